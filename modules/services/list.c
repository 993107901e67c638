/* GET /api/services: the catalogue, with what Docker and services.json say of each. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK "********"

struct listing {
  struct services *module;
  bp_request request;
  bool is_admin;
};

/* What Docker says of one service. */
struct found {
  bool is_there, is_running;
  uint32_t port;
};

static uint32_t public_port(const struct services *s, bp_json container) {
  bp_json ports = 0, item = 0, value = 0;
  int64_t port = 0;
  s->json->get(container, BP_LIT("Ports"), &ports);
  for (uint32_t i = 0; port == 0 && s->json->at(ports, i, &item) == BP_OK; i++)
    if (s->json->get(item, BP_LIT("PublicPort"), &value) == BP_OK)
      s->json->integer(value, &port);
  return (uint32_t)port;
}

static struct found find(const struct services *s, const struct service *service, bp_json containers) {
  bp_json container = 0;
  for (uint32_t i = 0; s->json->at(containers, i, &container) == BP_OK; i++)
    if (docker_has_name(s, container, service->container))
      return (struct found){true, kit_same(kit_member_text(s->json, container, "State"), "running"), public_port(s, container)};
  return (struct found){0};
}

/* ---- Members ---- */

static void put_number(const bp_json_1 *json, bp_json_writer out, bp_str name, int64_t value) {
  json->key(out, name);
  json->put_integer(out, value);
}

static void put_text_list(const bp_json_1 *json, bp_json_writer out, bp_str name, const char *stored, const char *otherwise) {
  json->key(out, name);
  if (stored) {
    json->put_raw(out, str_z(stored));
    return;
  }
  json->array_begin(out);
  json->put_string(out, str_z(otherwise));
  json->array_end(out);
}

static void put_environment(const struct services *s, bp_json_writer out, const struct service *service) {
  const struct catalogue_entry *entry = service->entry;
  bp_json root = 0, value = 0;
  uint64_t cursor = 0;
  bp_str key;
  s->json->key(out, BP_LIT("environment"));
  s->json->object_begin(out);
  if (entry->user_key)
    json_text_member(s->json, out, str_z(entry->user_key), str_z(entry->username));
  json_text_member(s->json, out, entry->password_key ? str_z(entry->password_key) : BP_LIT("REDIS_PASSWORD"), BP_LIT(MASK));
  if (service->environment && s->json->parse(s->self, str_z(service->environment), &root, NULL) == BP_OK) {
    while (s->json->next(root, &cursor, &key, &value) == BP_OK) {
      bool is_told =
          (entry->user_key && kit_same(key, entry->user_key)) || kit_same(key, entry->password_key ? entry->password_key : "REDIS_PASSWORD");
      if (is_told)
        continue;
      s->json->key(out, key);
      s->json->put_value(out, value);
    }
    s->json->release(s->self, root);
  }
  s->json->object_end(out);
}

static void put_credentials(const struct services *s, bp_json_writer out, const struct service *service, uint32_t port, bool is_admin) {
  char text[CONNECTION_BYTES];
  const char *password = is_admin ? service->password : NULL;
  s->json->key(out, BP_LIT("defaultCredentials"));
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("username"), service->entry->username ? str_z(service->entry->username) : BP_LIT(""));
  json_text_member(s->json, out, BP_LIT("password"), password ? str_z(password) : BP_LIT(MASK));
  put_number(s->json, out, BP_LIT("port"), port);
  s->json->object_end(out);
  json_text_member(s->json, out, BP_LIT("connectionString"), connection_string(service->entry, password ? password : MASK, port, text));
}

static void put_service(const struct services *s, bp_json_writer out, const struct service *service, struct found found, bool is_admin) {
  const struct catalogue_entry *entry = service->entry;
  uint32_t port = found.port ? found.port : service->port;
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("id"), str_z(entry->id));
  json_text_member(s->json, out, BP_LIT("name"), str_z(entry->name));
  json_text_member(s->json, out, BP_LIT("category"), BP_LIT("database"));
  json_text_member(s->json, out, BP_LIT("description"), str_z(entry->description));
  json_text_member(s->json, out, BP_LIT("icon"), str_z(entry->icon));
  json_text_member(s->json, out, BP_LIT("iconType"), BP_LIT("image"));
  json_text_member(s->json, out, BP_LIT("installMethod"), BP_LIT("docker"));
  json_text_member(s->json, out, BP_LIT("dockerImage"), str_z(entry->image));
  json_text_member(s->json, out, BP_LIT("type"), str_z(entry->type));
  s->json->key(out, BP_LIT("ports"));
  s->json->array_begin(out);
  s->json->put_integer(out, entry->port);
  s->json->array_end(out);
  put_text_list(s->json, out, BP_LIT("volumes"), service->volumes, entry->volume);
  put_environment(s, out, service);
  s->json->key(out, BP_LIT("installed"));
  s->json->put_boolean(out, found.is_there);
  json_text_member(s->json, out, BP_LIT("status"), found.is_running ? BP_LIT("running") : BP_LIT("stopped"));
  json_text_member(s->json, out, BP_LIT("containerName"), str_z(service->container));
  put_number(s->json, out, BP_LIT("port"), port);
  put_credentials(s, out, service, port, is_admin);
  s->json->object_end(out);
}

static void answer(const struct listing *listing, bool is_docker, bp_json containers, const char *fault) {
  const struct services *s = listing->module;
  bp_json_writer out = 0;
  bp_status status = s->json->writer_new(s->self, &out);
  if (status != BP_OK) {
    s->http->reply_failure(listing->request, status, NULL);
    return;
  }
  s->json->object_begin(out);
  s->json->key(out, BP_LIT("success"));
  s->json->put_boolean(out, 1);
  s->json->key(out, BP_LIT("dockerInstalled"));
  s->json->put_boolean(out, is_docker);
  if (fault)
    json_text_member(s->json, out, BP_LIT("message"), str_z(fault));
  s->json->key(out, BP_LIT("services"));
  s->json->array_begin(out);
  for (unsigned i = 0; i < CATALOGUE_COUNT; i++)
    put_service(s, out, &s->all[i], is_docker ? find(s, &s->all[i], containers) : (struct found){0}, listing->is_admin);
  s->json->array_end(out);
  put_number(s->json, out, BP_LIT("count"), CATALOGUE_COUNT);
  s->json->object_end(out);
  s->http->reply_json(listing->request, 200, out);
  s->json->writer_free(out);
}

static void on_containers(void *ctx, const struct docker_answer *docker) {
  struct listing *listing = ctx;
  const struct services *s = listing->module;
  char fault[FAULT_BYTES];
  bp_json root = 0;
  bool is_good = docker->status == BP_OK && docker->http == 200 && s->json->parse(s->self, docker->body, &root, NULL) == BP_OK;
  if (!is_good)
    docker_fault(s, docker, fault);
  answer(listing, is_good, root, is_good ? NULL : fault);
  if (root)
    s->json->release(s->self, root);
  free(listing);
}

void services_list(void *state, bp_request request) {
  struct services *s = state;
  struct listing *listing = malloc(sizeof(*listing));
  if (!listing) {
    s->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  *listing = (struct listing){s, request, s->http->has_scope(request, BP_LIT("admin")) != 0};
  s->http->defer(request, NULL, NULL);
  docker_call(s, "GET", DOCKER_OURS, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_containers, listing);
}
