/* The service "services/1" for other modules.
 *
 *   discovered {} -> [{id, name, containerName, port, type, connectionString}]   running containers that look like databases and publish a
 *                    port; [] without Docker. Connection strings are in full: whoever shows them masks them. */
#include "services.h"

#include <stdlib.h>
#include <string.h>

#define RUNNING "/containers/json"

struct question {
  struct services *module;
  bp_service_call call;
};

static bp_str name_of(const struct services *s, bp_json container) {
  bp_json names = 0, item = 0;
  bp_str name = bp_str_make(NULL, 0);
  s->json->get(container, BP_LIT("Names"), &names);
  if (s->json->at(names, 0, &item) == BP_OK)
    s->json->string(item, &name);
  return name.len > 1 ? bp_str_make(name.ptr + 1, name.len - 1) : name;
}

static int64_t number_of(const struct services *s, bp_json object, bp_str name) {
  bp_json value = 0;
  int64_t number = 0;
  if (s->json->get(object, name, &value) == BP_OK)
    s->json->integer(value, &number);
  return number;
}

/* Where the database's own port is published; any published port where that one is not. */
static uint32_t port_of(const struct services *s, bp_json container, uint32_t wanted) {
  bp_json ports = 0, item = 0;
  int64_t found = 0;
  s->json->get(container, BP_LIT("Ports"), &ports);
  for (uint32_t i = 0; s->json->at(ports, i, &item) == BP_OK; i++) {
    int64_t port = number_of(s, item, BP_LIT("PublicPort"));
    if (port && number_of(s, item, BP_LIT("PrivatePort")) == wanted)
      return (uint32_t)port;
    found = found ? found : port;
  }
  return (uint32_t)found;
}

static const struct service *ours(const struct services *s, bp_json container, bp_str name) {
  for (unsigned i = 0; i < CATALOGUE_COUNT && docker_is_ours(s, container); i++)
    if (kit_same(name, s->all[i].container))
      return &s->all[i];
  return NULL;
}

static void put_container(const struct services *s, bp_json_writer out, bp_json container) {
  char text[CONNECTION_BYTES];
  bp_str name = name_of(s, container), id = kit_member_text(s->json, container, "Id");
  const struct service *service = ours(s, container, name);
  unsigned guess = service ? catalogue_find(str_z(service->entry->id)) : catalogue_guess(kit_member_text(s->json, container, "Image"));
  if (guess == CATALOGUE_COUNT)
    guess = catalogue_guess(name);
  uint32_t port = guess < CATALOGUE_COUNT ? port_of(s, container, catalogue[guess].port) : 0;
  if (port == 0)
    return;
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT("id"), service ? str_z(service->entry->id) : bp_str_make(id.ptr, id.len < 12 ? id.len : 12));
  json_text_member(s->json, out, BP_LIT("name"), service ? str_z(service->entry->name) : name);
  json_text_member(s->json, out, BP_LIT("containerName"), name);
  s->json->key(out, BP_LIT("port"));
  s->json->put_integer(out, port);
  json_text_member(s->json, out, BP_LIT("type"), str_z(catalogue[guess].type));
  json_text_member(s->json, out, BP_LIT("connectionString"), connection_string(&catalogue[guess], service ? service->password : NULL, port, text));
  s->json->object_end(out);
}

static void answer(const struct question *question, bp_json containers) {
  const struct services *s = question->module;
  bp_json_writer out = 0;
  bp_json container = 0;
  bp_str text = BP_LIT("[]");
  if (s->json->writer_new(s->self, &out) != BP_OK) {
    s->service_table->answer(question->call, BP_E_NO_MEMORY, bp_str_make(NULL, 0));
    return;
  }
  s->json->array_begin(out);
  for (uint32_t i = 0; containers && s->json->at(containers, i, &container) == BP_OK; i++)
    put_container(s, out, container);
  s->json->array_end(out);
  s->json->writer_text(out, &text, NULL);
  s->service_table->answer(question->call, BP_OK, text);
  s->json->writer_free(out);
}

static void on_containers(void *ctx, const struct docker_answer *docker) {
  struct question *question = ctx;
  const struct services *s = question->module;
  bp_json root = 0;
  if (docker->status == BP_OK && docker->http == 200)
    s->json->parse(s->self, docker->body, &root, NULL);
  answer(question, root);
  if (root)
    s->json->release(s->self, root);
  free(question);
}

static void on_call(void *ctx, bp_service_call call, bp_str method, bp_str payload) {
  struct services *s = ctx;
  (void)payload;
  if (!kit_same(method, "discovered")) {
    s->service_table->answer(call, BP_E_UNSUPPORTED, BP_LIT("services/1 has the method discovered"));
    return;
  }
  struct question *question = malloc(sizeof(*question));
  if (!question) {
    s->service_table->answer(call, BP_E_NO_MEMORY, bp_str_make(NULL, 0));
    return;
  }
  *question = (struct question){s, call};
  docker_call(s, "GET", RUNNING, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_containers, question);
}

bp_status discovered_start(struct services *s) {
  return s->service_table->serve(s->self, BP_LIT(SERVICE_NAME), on_call, s);
}
