/* What Docker is told of a service's container: image, variables, port, volumes. See services.h. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_variable(const bp_json_1 *json, bp_json_writer out, bp_str name, bp_str value) {
  char *text = malloc(name.len + value.len + 1);
  if (!text)
    return;
  memcpy(text, name.ptr, name.len);
  text[name.len] = '=';
  if (value.len)
    memcpy(text + name.len + 1, value.ptr, value.len);
  json->put_string(out, bp_str_make(text, name.len + value.len + 1));
  explicit_bzero(text, name.len + value.len + 1);
  free(text);
}

static bool is_own_variable(const struct catalogue_entry *entry, bp_str name) {
  return (entry->password_key && kit_same(name, entry->password_key)) || (!entry->password_key && kit_same(name, "REDIS_PASSWORD"));
}

static void put_environment(const struct operation *op, bp_json_writer out) {
  const struct services *s = op->module;
  const struct catalogue_entry *entry = op->service->entry;
  bp_json root = 0, value = 0;
  uint64_t cursor = 0;
  bp_str key, text;
  s->json->key(out, BP_LIT("Env"));
  s->json->array_begin(out);
  if (entry->user_key)
    put_variable(s->json, out, str_z(entry->user_key), str_z(entry->username));
  if (entry->password_key)
    put_variable(s->json, out, str_z(entry->password_key), str_z(op->password));
  if (op->environment && s->json->parse(s->self, str_z(op->environment), &root, NULL) == BP_OK) {
    while (s->json->next(root, &cursor, &key, &value) == BP_OK)
      if (!is_own_variable(entry, key) && !(entry->user_key && kit_same(key, entry->user_key)) && s->json->string(value, &text) == BP_OK)
        put_variable(s->json, out, key, text);
    s->json->release(s->self, root);
  }
  s->json->array_end(out);
}

void container_put_labels(const struct services *s, bp_json_writer out) {
  s->json->key(out, BP_LIT("Labels"));
  s->json->object_begin(out);
  json_text_member(s->json, out, BP_LIT(LABEL), BP_LIT("true"));
  s->json->object_end(out);
}

/* Only this machine reaches the port. */
static void put_port(const struct operation *op, bp_json_writer out) {
  const bp_json_1 *json = op->module->json;
  char inside[24], outside[24];
  snprintf(inside, sizeof(inside), "%u/tcp", (unsigned)op->service->entry->port);
  snprintf(outside, sizeof(outside), "%u", (unsigned)op->port);
  json->key(out, BP_LIT("PortBindings"));
  json->object_begin(out);
  json->key(out, str_z(inside));
  json->array_begin(out);
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("HostIp"), BP_LIT("127.0.0.1"));
  json_text_member(json, out, BP_LIT("HostPort"), str_z(outside));
  json->object_end(out);
  json->array_end(out);
  json->object_end(out);
}

bool volume_path(const struct operation *op, uint32_t index, char path[256]) {
  const struct services *s = op->module;
  bp_json root = 0, item = 0;
  bp_str text = index == 0 && !op->volumes ? str_z(op->service->entry->volume) : bp_str_make(NULL, 0);
  if (op->volumes && s->json->parse(s->self, str_z(op->volumes), &root, NULL) == BP_OK && s->json->at(root, index, &item) == BP_OK)
    s->json->string(item, &text);
  snprintf(path, 256, "%.*s", (int)text.len, text.len ? text.ptr : "");
  if (root)
    s->json->release(s->self, root);
  return path[0] != '\0';
}

void volume_name(const struct operation *op, const char *path, char name[320]) {
  int len = snprintf(name, 320, "%s%s", op->service->container, path);
  for (int i = 0; i < len; i++)
    name[i] = name[i] == '/' ? '-' : name[i];
}

static void put_volumes(const struct operation *op, bp_json_writer out) {
  char path[256], name[320], bind[600];
  op->module->json->key(out, BP_LIT("Binds"));
  op->module->json->array_begin(out);
  for (uint32_t i = 0; volume_path(op, i, path); i++) {
    volume_name(op, path, name);
    snprintf(bind, sizeof(bind), "%s:%s", name, path);
    op->module->json->put_string(out, str_z(bind));
  }
  op->module->json->array_end(out);
}

static void put_host(const struct operation *op, bp_json_writer out) {
  const bp_json_1 *json = op->module->json;
  json->key(out, BP_LIT("HostConfig"));
  json->object_begin(out);
  put_port(op, out);
  put_volumes(op, out);
  json->key(out, BP_LIT("RestartPolicy"));
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("Name"), BP_LIT("unless-stopped"));
  json->object_end(out);
  json->object_end(out);
}

void container_put(const struct operation *op, bp_json_writer out) {
  const bp_json_1 *json = op->module->json;
  char port[24];
  snprintf(port, sizeof(port), "%u/tcp", (unsigned)op->service->entry->port);
  json->object_begin(out);
  json_text_member(json, out, BP_LIT("Image"), str_z(op->service->entry->image));
  container_put_labels(op->module, out);
  put_environment(op, out);
  json->key(out, BP_LIT("ExposedPorts"));
  json->object_begin(out);
  json->key(out, str_z(port));
  json->object_begin(out);
  json->object_end(out);
  json->object_end(out);
  if (!op->service->entry->password_key) {
    json->key(out, BP_LIT("Cmd"));
    json->array_begin(out);
    json->put_string(out, BP_LIT("redis-server"));
    json->put_string(out, BP_LIT("/etc/" REDIS_CONFIG));
    json->array_end(out);
  }
  put_host(op, out);
  json->object_end(out);
}
