/* Showing facts; see facts_show.h. */
#include "policy/facts_show.h"
#include "base/log_mask.h"
#include "base/str.h"
#include "json/json.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MOST 32
#define MASK "***"

/* Names are compared without case and without '-' and '_', and match as a whole or at their end: "X-Api-Key", "gitToken". */
static const char *const secret_names[] = {"apikey",   "authorization", "cookie",     "credential", "credentials",
                                           "password", "passwd",        "privatekey", "secret",     "token"};

static bool is_secret(const char *key) {
  char name[64];
  size_t len = 0;
  for (; *key && len + 1 < sizeof(name); key++)
    if (*key != '-' && *key != '_')
      name[len++] = (char)tolower((unsigned char)*key);
  name[len] = '\0';
  for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
    size_t end = strlen(secret_names[i]);
    if (len >= end && strcmp(name + len - end, secret_names[i]) == 0)
      return true;
  }
  return false;
}

/* Long values are not copied in full: what is beyond the limit will not be shown anyway. */
static json_t *show_text(const json_t *value) {
  char text[FACTS_SHOWN_BYTES + 1];
  size_t len = str_cut(bp_str_make(json_string_value(value), json_string_length(value)), FACTS_SHOWN_BYTES);
  memcpy(text, json_string_value(value), len);
  log_mask(text, len);
  return json_stringn(text, len);
}

static json_t *show(const json_t *value, int depth, size_t *left);

static json_t *show_object(const json_t *value, int depth, size_t *left) {
  json_t *copy = json_object(), *member;
  const char *key;
  json_object_foreach((json_t *)(uintptr_t)value, key, member) {
    if (*left == 0)
      break;
    json_object_set_new(copy, key, is_secret(key) && !json_is_null(member) ? json_string(MASK) : show(member, depth + 1, left));
  }
  return copy;
}

static json_t *show_array(const json_t *value, int depth, size_t *left) {
  json_t *copy = json_array();
  for (size_t i = 0; i < json_array_size(value) && *left > 0; i++)
    json_array_append_new(copy, show(json_array_get(value, i), depth + 1, left));
  return copy;
}

/* `left` counts bytes down, roughly, so that large facts are not walked to their end. */
static json_t *show(const json_t *value, int depth, size_t *left) {
  size_t cost = json_is_string(value) ? json_string_length(value) + 1 : 1;
  *left = cost < *left ? *left - cost : 0;
  if (depth > DEPTH_MOST)
    return json_null();
  if (json_is_object(value))
    return show_object(value, depth, left);
  if (json_is_array(value))
    return show_array(value, depth, left);
  return json_is_string(value) ? show_text(value) : json_incref((json_t *)(uintptr_t)value);
}

bool facts_show(const json_t *facts, struct buf *out) {
  size_t left = 2 * FACTS_SHOWN_BYTES, start = out->len;
  json_t *copy = show(facts, 0, &left);
  doc_write(out, copy);
  json_decref(copy);
  bool is_cut = left == 0 || out->len - start > FACTS_SHOWN_BYTES;
  out->len = start + str_cut(bp_str_make(out->data + start, out->len - start), FACTS_SHOWN_BYTES);
  return is_cut;
}
