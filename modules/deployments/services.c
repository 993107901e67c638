/* Databases and the like that another module has found: GET /api/deployments/services, and their connection strings for a program that
 * selected them. Passwords are shown to administrators only. */
#include "deployments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISCOVERY_MS 10000

/* The answer is a list, or an object with the list. */
static bp_json list_of(const struct deployments *d, bp_json root) {
  bp_json list = 0;
  return d->json->type(root) == BP_JSON_OBJECT && d->json->get(root, BP_LIT("services"), &list) == BP_OK ? list : root;
}

/* ---- The route ---- */

/* "redis://user:word@host" with the word masked; false: there is none in it. */
static bool mask(bp_str text, char *masked, size_t bytes) {
  const char *colon = NULL, *at = NULL;
  for (size_t i = 0; i + 2 < text.len && !colon; i++)
    if (memcmp(text.ptr + i, "://", 3) == 0)
      colon = memchr(text.ptr + i + 3, ':', text.len - i - 3);
  for (const char *c = colon; c && c < text.ptr + text.len && *c != '/'; c++)
    if (*c == '@')
      at = c;
  if (!colon || !at)
    return false;
  snprintf(masked, bytes, "%.*s********%.*s", (int)(colon + 1 - text.ptr), text.ptr, (int)(text.ptr + text.len - at), at);
  return true;
}

static void put_service(const struct deployments *d, bp_json_writer out, bp_json service, bool is_admin) {
  uint64_t cursor = 0;
  bp_str name, text;
  bp_json value = 0;
  char masked[1024];
  d->json->object_begin(out);
  while (d->json->next(service, &cursor, &name, &value) == BP_OK) {
    d->json->key(out, name);
    bool is_secret = !is_admin && kit_same(name, "connectionString") && d->json->string(value, &text) == BP_OK;
    if (is_secret && mask(text, masked, sizeof(masked)))
      d->json->put_string(out, str_z(masked));
    else
      d->json->put_value(out, value);
  }
  d->json->object_end(out);
}

static void put_services(const struct deployments *d, bp_json_writer out, bp_json root, bool is_admin) {
  bp_json list = root ? list_of(d, root) : 0, service = 0;
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  d->json->key(out, BP_LIT("services"));
  d->json->array_begin(out);
  for (uint32_t i = 0; list && d->json->at(list, i, &service) == BP_OK; i++)
    put_service(d, out, service, is_admin);
  d->json->array_end(out);
  d->json->object_end(out);
}

struct asking {
  struct kit_call call;
  struct deployments *module;
  bool is_admin;
};

static void on_discovered(void *ctx, bp_status status, bp_str payload) {
  struct asking *asking = ctx;
  const struct deployments *d = asking->module;
  bp_json root = 0;
  bp_json_writer out = 0;
  if (status != BP_OK && status != BP_E_NOT_FOUND) {
    bp_error err = BP_ERROR_INIT;
    snprintf(err.message, sizeof(err.message), "%.*s", (int)payload.len, payload.len ? payload.ptr : "");
    kit_call_refuse(asking, status, &err);
    return;
  }
  if (status == BP_OK)
    d->json->parse(d->self, payload, &root, NULL);
  status = d->json->writer_new(d->self, &out);
  if (status == BP_OK) {
    put_services(d, out, root, asking->is_admin);
    kit_call_json(asking, 200, d->json, out);
  } else {
    kit_call_refuse(asking, status, NULL);
  }
  if (root)
    d->json->release(d->self, root);
}

void deployments_services(void *state, bp_request request) {
  struct deployments *d = state;
  struct asking *asking = kit_call_new(d->self, d->http, d->db, request, sizeof(*asking));
  if (!asking)
    return;
  asking->module = d;
  asking->is_admin = d->http->has_scope(request, BP_LIT("admin")) != 0;
  bp_status status = d->service->call(d->self, BP_LIT("services/1"), BP_LIT("discovered"), BP_LIT("{}"), DISCOVERY_MS, on_discovered, asking);
  if (status != BP_OK)
    kit_call_refuse(asking, status, NULL);
}

/* ---- For a program ---- */

static const struct {
  const char *type;
  const char *names[2];
} kinds[] = {
    {"mongodb", {"MONGODB_URI", NULL}},
    {"mysql", {"MYSQL_URL", "DATABASE_URL"}},
    {"postgresql", {"POSTGRES_URL", "DATABASE_URL"}},
    {"redis", {"REDIS_URL", NULL}},
};

/* A service is selected by its id, its name or its container's. */
static bool is_named(const struct deployments *d, bp_json service, bp_str wanted) {
  static const char *const names[] = {"id", "name", "containerName"};
  for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    bp_str text;
    if (kit_field_text(d->json, service, names[i], &text) && text.ptr && text.len == wanted.len && memcmp(text.ptr, wanted.ptr, text.len) == 0)
      return true;
  }
  return false;
}

/* What the client set itself stays; of two databases the one selected first is DATABASE_URL. */
static bool inject_one(struct operation *op, bp_json service) {
  const struct deployments *d = op->module;
  bp_str type, address;
  if (!kit_field_text(d->json, service, "type", &type) || !kit_field_text(d->json, service, "connectionString", &address) || !address.ptr)
    return false;
  for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (kit_same(type, kinds[i].type))
      return env_default(&op->env, kinds[i].names[0], address) && (!kinds[i].names[1] || env_default(&op->env, kinds[i].names[1], address));
  return true;
}

static bool inject_named(struct operation *op, bp_json list, bp_str wanted) {
  const struct deployments *d = op->module;
  bp_json service = 0;
  for (uint32_t i = 0; d->json->at(list, i, &service) == BP_OK; i++)
    if (is_named(d, service, wanted))
      return inject_one(op, service);
  return false;
}

const char *services_inject(struct operation *op, bp_str discovered, char *text, size_t bytes) {
  const struct deployments *d = op->module;
  bp_json root = 0, selected = 0, item = 0;
  bp_str wanted;
  const char *fault = NULL;
  if (d->json->parse(d->self, discovered, &root, NULL) != BP_OK)
    return "the services found cannot be read";
  if (d->json->parse(d->self, str_z(op->row.services), &selected, NULL) == BP_OK) {
    for (uint32_t i = 0; !fault && d->json->at(selected, i, &item) == BP_OK; i++)
      if (d->json->string(item, &wanted) == BP_OK && !inject_named(op, list_of(d, root), wanted)) {
        snprintf(text, bytes, "the selected service \"%.*s\" does not run", wanted.len > 100 ? 100 : (int)wanted.len, wanted.ptr);
        fault = text;
      }
    d->json->release(d->self, selected);
  }
  d->json->release(d->self, root);
  return fault;
}
