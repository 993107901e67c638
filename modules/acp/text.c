/* Members of JSON objects, names, ids, percent-encoding, times. */
#include "acp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bp_json_writer writer(const struct acp *m) {
  bp_json_writer w = 0;
  return m->json->writer_new(m->self, &w) == BP_OK ? w : 0;
}

bp_json get_value(const struct acp *m, bp_json object, const char *name) {
  bp_json value = 0;
  if (!object || m->json->get(object, str_z(name), &value) != BP_OK || m->json->type(value) == BP_JSON_NULL)
    return 0;
  return value;
}

bool get_text(const struct acp *m, bp_json object, const char *name, bp_str *ret) {
  bp_json value = get_value(m, object, name);
  return value && m->json->string(value, ret) == BP_OK;
}

bool get_integer(const struct acp *m, bp_json object, const char *name, int64_t *ret) {
  bp_json value = get_value(m, object, name);
  return value && m->json->integer(value, ret) == BP_OK;
}

bool get_flag(const struct acp *m, bp_json object, const char *name) {
  bp_json value = get_value(m, object, name);
  return value && m->json->type(value) == BP_JSON_TRUE;
}

void put_text(const struct acp *m, bp_json_writer w, const char *name, bp_str value) {
  json_text_member(m->json, w, str_z(name), value);
}

void put_flag(const struct acp *m, bp_json_writer w, const char *name, bool value) {
  m->json->key(w, str_z(name));
  m->json->put_boolean(w, value);
}

struct kit_text json_copy(const struct acp *m, bp_json value) {
  return kit_text_of_json(m->json, m->self, value);
}

struct kit_text text_copy(bp_str text) {
  return text.len ? kit_text_copy(text) : kit_text_copy(bp_str_make("", 0));
}

void copy_name(char *to, size_t size, bp_str from) {
  size_t len = from.len < size ? from.len : size - 1;
  if (len)
    memcpy(to, from.ptr, len);
  to[len] = '\0';
}

void nano_id(const struct acp *m, char id[ID_BYTES]) {
  static const char letters[] = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
  unsigned char bytes[ID_BYTES - 1];
  m->core->random_bytes(bytes, sizeof(bytes));
  for (size_t i = 0; i < sizeof(bytes); i++)
    id[i] = letters[bytes[i] & 63];
  id[ID_BYTES - 1] = '\0';
}

void percent_add(struct kit_buf *out, bp_str text) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    const char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
    kit_buf_add(out, is_plain ? bp_str_make(text.ptr + i, 1) : bp_str_make(coded, 3), URL_BYTES * 8);
  }
}

void note(const struct acp *m, uint32_t level, const char *format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  (void)vsnprintf(line, sizeof(line), format, list);
  va_end(list);
  m->log->write(m->self, level, str_z(line), (bp_array){NULL, 0, 0});
}

int64_t now_s(const struct acp *m) {
  return m->core->now_wall_ns() / 1000000000;
}

bp_str time_of_s(int64_t seconds, char out[KIT_TIME_BYTES]) {
  return kit_time_text(seconds * 1000000000, out);
}
