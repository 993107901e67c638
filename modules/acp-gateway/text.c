/* Small buffers, times, ids, and reading and writing members of JSON objects. */
#include "gateway.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_add_utf8(struct kit_buf *t, bp_str bytes, size_t limit) {
  size_t start = 0;
  for (size_t at = 0; at < bytes.len;) {
    size_t length = bytes.ptr[at] ? kit_utf8_length(bytes, at) : 0;
    if (length) {
      at += length;
      continue;
    }
    if (!kit_buf_add(t, bp_str_make(bytes.ptr + start, at - start), limit) || !kit_buf_add(t, BP_LIT("\xEF\xBF\xBD"), limit))
      return false;
    start = ++at;
  }
  return kit_buf_add(t, bp_str_make(bytes.ptr + start, bytes.len - start), limit);
}

bool str_eq(bp_str a, bp_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int64_t now_ms(const struct gateway *gw) {
  return gw->core->now_wall_ns() / 1000000;
}

bp_str time_text(int64_t ms, char out[KIT_TIME_BYTES]) {
  return kit_time_text(ms * 1000000, out);
}

void random_id(const struct gateway *gw, const char *prefix, char out[ID_BYTES]) {
  unsigned char bytes[16];
  size_t len = strlen(prefix);
  gw->core->random_bytes(bytes, sizeof(bytes));
  memcpy(out, prefix, len + 1);
  for (size_t i = 0; i < sizeof(bytes); i++)
    (void)snprintf(out + len + 2 * i, 3, "%02x", bytes[i]);
}

void note(const struct gateway *gw, uint32_t level, const char *format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  (void)vsnprintf(line, sizeof(line), format, list);
  va_end(list);
  gw->log->write(gw->self, level, str_z(line), (bp_array){NULL, 0, 0});
}

/* ---- JSON ---- */

bp_json get_value(const struct gateway *gw, bp_json object, const char *name) {
  bp_json value = 0;
  if (!object || gw->json->get(object, str_z(name), &value) != BP_OK || gw->json->type(value) == BP_JSON_NULL)
    return 0;
  return value;
}

bool get_text(const struct gateway *gw, bp_json object, const char *name, bp_str *ret) {
  bp_json value = get_value(gw, object, name);
  return value && gw->json->string(value, ret) == BP_OK;
}

bool get_integer(const struct gateway *gw, bp_json object, const char *name, int64_t *ret) {
  bp_json value = get_value(gw, object, name);
  return value && gw->json->integer(value, ret) == BP_OK;
}

bool get_flag(const struct gateway *gw, bp_json object, const char *name) {
  bp_json value = get_value(gw, object, name);
  return value && gw->json->type(value) == BP_JSON_TRUE;
}

bp_json_writer writer(const struct gateway *gw) {
  bp_json_writer w = 0;
  return gw->json->writer_new(gw->self, &w) == BP_OK ? w : 0;
}

char *json_copy(const struct gateway *gw, bp_json value) {
  return kit_text_of_json(gw->json, gw->self, value).ptr;
}

void put_text(const struct gateway *gw, bp_json_writer w, const char *name, bp_str value) {
  json_text_member(gw->json, w, str_z(name), value);
}

void put_text_or_null(const struct gateway *gw, bp_json_writer w, const char *name, bp_str value) {
  gw->json->key(w, str_z(name));
  if (value.ptr)
    gw->json->put_string(w, value);
  else
    gw->json->put_null(w);
}

void put_integer(const struct gateway *gw, bp_json_writer w, const char *name, int64_t value) {
  gw->json->key(w, str_z(name));
  gw->json->put_integer(w, value);
}

void put_flag(const struct gateway *gw, bp_json_writer w, const char *name, bool value) {
  gw->json->key(w, str_z(name));
  gw->json->put_boolean(w, value);
}

void put_raw_or_null(const struct gateway *gw, bp_json_writer w, const char *name, const char *json_text) {
  gw->json->key(w, str_z(name));
  if (json_text)
    gw->json->put_raw(w, str_z(json_text));
  else
    gw->json->put_null(w);
}
