/* Growing text and JSON helpers; see text.h. */
#include "text.h"
#include "mcp.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256u

bool text_add(struct text *text, bp_str bytes) {
  size_t needed = text->len + bytes.len + 1;
  if (!text->ptr || needed > text->capacity) {
    size_t capacity = text->capacity ? text->capacity * 2 : FIRST_BYTES;
    while (capacity < needed)
      capacity *= 2;
    char *grown = realloc(text->ptr, capacity);
    if (!grown)
      return false;
    text->ptr = grown;
    text->capacity = capacity;
  }
  if (bytes.len)
    memcpy(text->ptr + text->len, bytes.ptr, bytes.len);
  text->len += bytes.len;
  text->ptr[text->len] = '\0';
  return true;
}

void text_drop(struct text *text, size_t count) {
  if (count >= text->len) {
    text_release(text);
    return;
  }
  memmove(text->ptr, text->ptr + count, text->len - count + 1);
  text->len -= count;
}

void text_release(struct text *text) {
  free(text->ptr);
  *text = (struct text){0};
}

char *str_copy(bp_str text) {
  return kit_text_copy(text).ptr;
}

bool str_equal(bp_str a, bp_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_starts(bp_str text, const char *start) {
  size_t len = strlen(start);
  return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

/* ---- JSON ---- */

bp_json json_member(const struct mcp *m, bp_json object, const char *key) {
  bp_json value = 0;
  return object && m->json->get(object, str_z(key), &value) == BP_OK ? value : 0;
}

char *json_copy(const struct mcp *m, bp_json value) {
  return kit_text_of_json(m->json, m->self, value).ptr;
}

void json_put_members(const struct mcp *m, bp_json_writer out, bp_json object, const char *left_out, const char *left_out_too) {
  uint64_t cursor = 0;
  bp_str key;
  bp_json value;
  while (object && m->json->next(object, &cursor, &key, &value) == BP_OK) {
    if ((left_out && kit_same(key, left_out)) || (left_out_too && kit_same(key, left_out_too)))
      continue;
    m->json->key(out, key);
    m->json->put_value(out, value);
  }
}

/* ---- JSON-RPC ---- */

bp_json_writer rpc_begin(const struct mcp *m) {
  bp_json_writer out = 0;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return 0;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("jsonrpc"), BP_LIT("2.0"));
  return out;
}

struct text rpc_end(const struct mcp *m, bp_json_writer out) {
  struct text text = {0};
  bp_str written = {NULL, 0};
  if (!out)
    return text;
  m->json->object_end(out);
  if (m->json->writer_text(out, &written, NULL) == BP_OK)
    text_add(&text, written);
  m->json->writer_free(out);
  return text;
}

static void put_id(const struct mcp *m, bp_json_writer out, bp_str id) {
  m->json->key(out, BP_LIT("id"));
  m->json->put_raw(out, id.len ? id : BP_LIT("null"));
}

struct text rpc_error(const struct mcp *m, bp_str id, int32_t code, bp_str message) {
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return (struct text){0};
  put_id(m, out, id);
  m->json->key(out, BP_LIT("error"));
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("code"));
  m->json->put_integer(out, code);
  json_text_member(m->json, out, BP_LIT("message"), message);
  m->json->object_end(out);
  return rpc_end(m, out);
}

struct text rpc_result_raw(const struct mcp *m, bp_str id, bp_str result) {
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return (struct text){0};
  put_id(m, out, id);
  m->json->key(out, BP_LIT("result"));
  m->json->put_raw(out, result);
  return rpc_end(m, out);
}

struct text rpc_notification(const struct mcp *m, const char *method, bp_str params) {
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return (struct text){0};
  json_text_member(m->json, out, BP_LIT("method"), str_z(method));
  if (params.len) {
    m->json->key(out, BP_LIT("params"));
    m->json->put_raw(out, params);
  }
  return rpc_end(m, out);
}

void rpc_put_text_result(const struct mcp *m, bp_json_writer out, bp_str text, bool is_error) {
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("content"));
  m->json->array_begin(out);
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("type"), BP_LIT("text"));
  json_text_member(m->json, out, BP_LIT("text"), text);
  m->json->object_end(out);
  m->json->array_end(out);
  m->json->key(out, BP_LIT("isError"));
  m->json->put_boolean(out, is_error);
  m->json->object_end(out);
}
