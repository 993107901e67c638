/* Environment variables of one deployment; see environment.h. */
#include "environment.h"
#include "kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool env_is_name(bp_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (!((c >= 'A' && c <= 'Z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
      return false;
  }
  return name.len > 0 && name.len <= 128;
}

static struct variable *find(const struct environment *env, bp_str name) {
  for (size_t i = 0; i < env->count; i++)
    if (strlen(env->variables[i].name) == name.len && memcmp(env->variables[i].name, name.ptr, name.len) == 0)
      return &env->variables[i];
  return NULL;
}

const char *env_value(const struct environment *env, const char *name) {
  const struct variable *found = find(env, bp_str_make(name, strlen(name)));
  return found ? found->value : NULL;
}

static void wipe(char *text) {
  if (text)
    explicit_bzero(text, strlen(text));
  free(text);
}

static bool grow(struct environment *env) {
  if (env->count < env->room)
    return true;
  size_t room = env->room ? env->room * 2 : 8;
  struct variable *more = env->count < LIMIT_VARIABLES ? realloc(env->variables, room * sizeof(*more)) : NULL;
  if (!more)
    return false;
  env->variables = more;
  env->room = room;
  return true;
}

bool env_set(struct environment *env, bp_str name, bp_str value) {
  struct variable *found = find(env, name);
  char *fresh = str_dup(value);
  if (fresh && found) {
    wipe(found->value);
    found->value = fresh;
    return true;
  }
  char *label = fresh && grow(env) ? str_dup(name) : NULL;
  if (!label) {
    wipe(fresh);
    return false;
  }
  env->variables[env->count++] = (struct variable){label, fresh};
  return true;
}

bool env_default(struct environment *env, const char *name, bp_str value) {
  bp_str text = bp_str_make(name, strlen(name));
  return find(env, text) || env_set(env, text, value);
}

void env_release(struct environment *env) {
  for (size_t i = 0; i < env->count; i++) {
    free(env->variables[i].name);
    wipe(env->variables[i].value);
  }
  free(env->variables);
  *env = (struct environment){0};
}

/* ---- Reading and writing ---- */

/* Numbers and booleans are taken as their text. */
static bool value_text(const bp_json_1 *json, bp_json value, char number[32], bp_str *ret) {
  int64_t integer;
  uint32_t type = json->type(value);
  if (type == BP_JSON_TRUE || type == BP_JSON_FALSE) {
    *ret = type == BP_JSON_TRUE ? BP_LIT("true") : BP_LIT("false");
    return true;
  }
  if (type == BP_JSON_NULL) {
    *ret = BP_LIT("");
    return true;
  }
  if (json->integer(value, &integer) == BP_OK) {
    snprintf(number, 32, "%" PRId64, integer);
    *ret = bp_str_make(number, strlen(number));
    return true;
  }
  return json->string(value, ret) == BP_OK && ret->len <= LIMIT_VALUE_BYTES;
}

static const char *add(struct environment *env, const bp_json_1 *json, bp_str name, bp_json value, char *text, size_t bytes) {
  char number[32];
  bp_str content;
  int shown = name.len > 60 ? 60 : (int)name.len;
  if (!env_is_name(name)) {
    snprintf(text, bytes, "customEnvVars: \"%.*s\" is not a name of A-Z, 0-9 and _", shown, name.ptr ? name.ptr : "");
    return text;
  }
  if (!value_text(json, value, number, &content)) {
    snprintf(text, bytes, "customEnvVars: the value of %.*s must be a string of at most %d KiB", shown, name.ptr, LIMIT_VALUE_BYTES / 1024);
    return text;
  }
  if (env_set(env, name, content))
    return NULL;
  snprintf(text, bytes, "customEnvVars: at most %d variables", LIMIT_VARIABLES);
  return text;
}

const char *env_read(struct environment *env, const bp_json_1 *json, bp_json value, char *text, size_t bytes) {
  const char *fault = NULL;
  uint64_t cursor = 0;
  bp_str name = {NULL, 0};
  bp_json entry = 0, key = 0, content = 0;
  if (json->type(value) == BP_JSON_OBJECT) {
    while (!fault && json->next(value, &cursor, &name, &entry) == BP_OK)
      fault = add(env, json, name, entry, text, bytes);
    return fault;
  }
  if (json->type(value) != BP_JSON_ARRAY)
    return "customEnvVars must be an object of names and values";
  for (uint32_t i = 0; !fault && i < json->count(value); i++) {
    if (json->at(value, i, &entry) != BP_OK || (json->get(entry, BP_LIT("key"), &key) != BP_OK && json->get(entry, BP_LIT("name"), &key) != BP_OK) ||
        json->get(entry, BP_LIT("value"), &content) != BP_OK || json->string(key, &name) != BP_OK)
      return "customEnvVars: an entry of the list must have key and value";
    fault = add(env, json, name, content, text, bytes);
  }
  return fault;
}

void env_write(const struct environment *env, const bp_json_1 *json, bp_json_writer out) {
  json->object_begin(out);
  for (size_t i = 0; i < env->count; i++) {
    json->key(out, bp_str_make(env->variables[i].name, strlen(env->variables[i].name)));
    json->put_string(out, bp_str_make(env->variables[i].value, strlen(env->variables[i].value)));
  }
  json->object_end(out);
}
