/* What a client may ask of an installation: port, environment, volumes. */
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MAX 4096u
#define MASK "********"

static char upper(char c) {
  return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool contains(bp_str name, const char *word) {
  size_t len = strlen(word);
  for (size_t i = 0; i + len <= name.len; i++) {
    size_t j = 0;
    while (j < len && upper(name.ptr[i + j]) == word[j])
      j++;
    if (j == len)
      return true;
  }
  return false;
}

bool is_secret_name(bp_str name) {
  static const char *const words[] = {"PASS", "PWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (contains(name, words[i]))
      return true;
  return false;
}

/* ---- Port ---- */

static bool read_port(const struct services *s, bp_json body, uint32_t *port) {
  bp_json value = 0;
  bp_str text;
  int64_t number = 0;
  if (s->json->get(body, BP_LIT("port"), &value) != BP_OK || s->json->type(value) == BP_JSON_NULL)
    return true;
  if (s->json->string(value, &text) == BP_OK) {
    for (size_t i = 0; i < text.len && i < 6; i++)
      number = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? number * 10 + (text.ptr[i] - '0') : 1000000;
  } else if (s->json->integer(value, &number) != BP_OK) {
    return false;
  }
  *port = (uint32_t)number;
  return number >= 1 && number <= 65535;
}

/* ---- Environment ---- */

static bool is_name(bp_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = upper(name.ptr[i]);
    if (!((c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
      return false;
  }
  return name.len > 0 && name.len <= 128;
}

static bool is_good_environment(const struct services *s, bp_json object) {
  uint64_t cursor = 0;
  bp_str key, text;
  bp_json value = 0;
  while (s->json->next(object, &cursor, &key, &value) == BP_OK)
    if (!is_name(key) || s->json->string(value, &text) != BP_OK || text.len > VALUE_BYTES_MAX)
      return false;
  return s->json->count(object) <= ENVIRONMENT_MAX;
}

/* A password the client chose is the service's; the mask means the one there is. */
static bool take_password(struct operation *op, bp_json object) {
  const struct service *service = op->service;
  const char *name = service->entry->password_key ? service->entry->password_key : "REDIS_PASSWORD";
  bp_str password = kit_member_text(op->module->json, object, name);
  if (password.len == 0)
    return true;
  if (kit_same(password, MASK)) {
    password = service->password ? str_z(service->password) : bp_str_make(NULL, 0);
  } else {
    for (size_t i = 0; i < password.len; i++)
      if ((unsigned char)password.ptr[i] <= ' ' || password.ptr[i] == 0x7f || password.ptr[i] == '"' || password.ptr[i] == '\\')
        return false;
  }
  if (password.len > PASSWORD_MAX)
    return false;
  memcpy(op->password, password.ptr ? password.ptr : "", password.len);
  return true;
}

static const char *read_environment(struct operation *op, bp_json body) {
  const struct services *s = op->module;
  bp_json value = 0;
  if (s->json->get(body, BP_LIT("environment"), &value) != BP_OK || s->json->type(value) == BP_JSON_NULL)
    return NULL;
  if (s->json->type(value) != BP_JSON_OBJECT || !is_good_environment(s, value))
    return "environment must be an object of at most 64 variables with texts of at most 4096 bytes";
  if (!take_password(op, value))
    return "environment: a password may have at most 256 characters, without spaces, quotes and backslashes";
  op->environment = kit_text_of_json(s->json, s->self, value).ptr;
  return op->environment ? NULL : "no memory";
}

/* ---- Volumes ---- */

static bool is_path(bp_str path) {
  if (path.len < 2 || path.len > 200 || path.ptr[0] != '/')
    return false;
  for (size_t i = 0; i < path.len; i++) {
    char c = path.ptr[i], u = upper(c);
    bool is_plain = (u >= 'A' && u <= 'Z') || (c >= '0' && c <= '9') || strchr("-._/", c);
    bool is_odd = i > 0 && path.ptr[i - 1] == '/' && (c == '/' || c == '.');
    if (!is_plain || c == '\0' || is_odd)
      return false;
  }
  return path.ptr[path.len - 1] != '/';
}

static const char *read_volumes(struct operation *op, bp_json body) {
  static const char wrong[] = "volumes must be a list of at most 8 absolute paths inside of the container; folders of this machine are not mounted";
  const struct services *s = op->module;
  bp_json value = 0, item = 0;
  bp_str path;
  if (s->json->get(body, BP_LIT("volumes"), &value) != BP_OK || s->json->type(value) == BP_JSON_NULL)
    return NULL;
  if (s->json->type(value) != BP_JSON_ARRAY || s->json->count(value) > VOLUMES_MAX)
    return wrong;
  for (uint32_t i = 0; s->json->at(value, i, &item) == BP_OK; i++)
    if (s->json->string(item, &path) != BP_OK || !is_path(path))
      return wrong;
  if (s->json->count(value) == 0)
    return NULL;
  op->volumes = kit_text_of_json(s->json, s->self, value).ptr;
  return op->volumes ? NULL : "no memory";
}

const char *install_read(struct operation *op, bp_json body) {
  if (!read_port(op->module, body, &op->port))
    return "port must be a number from 1 to 65535";
  const char *wrong = read_environment(op, body);
  return wrong ? wrong : read_volumes(op, body);
}
