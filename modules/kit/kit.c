/* Shared pieces of the modules; see kit.h. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bp_db_value db_text(bp_str text) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = text.ptr ? BP_DB_TEXT : BP_DB_NULL, .text = text};
}

bp_db_value db_integer(int64_t value) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_INTEGER, .integer = value};
}

bp_db_value db_null(void) {
  return (bp_db_value){.size = sizeof(bp_db_value), .type = BP_DB_NULL};
}

bp_str db_column(const bp_db_1 *db, const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column) {
  bp_db_value value = {.size = sizeof(value)};
  if (db->value(outcome->result, step, row, column, &value) != BP_OK || value.type != BP_DB_TEXT)
    return bp_str_make(NULL, 0);
  return value.text;
}

bp_db_step db_exec(uint32_t statement, const bp_db_value *params, uint32_t count) {
  return (bp_db_step){
      .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = statement, .params = {params, count, (uint32_t)sizeof(bp_db_value)}};
}

bp_db_step db_publish(bp_str topic, bp_str key, uint32_t payload_step) {
  return (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = topic, .key = key, .payload_step = payload_step};
}

bp_str str_z(const char *text) {
  return bp_str_make(text, strlen(text));
}

static void published(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  (void)outcome; /* the store has logged why not, if so; the change itself is done */
}

void kit_keep_tail(char *tail, size_t *len, size_t room, bp_str bytes) {
  if (bytes.len == 0)
    return;
  if (bytes.len > room)
    bytes = bp_str_make(bytes.ptr + bytes.len - room, room);
  size_t over = *len + bytes.len > room ? *len + bytes.len - room : 0;
  memmove(tail, tail + over, *len - over);
  memcpy(tail + *len - over, bytes.ptr, bytes.len);
  *len += bytes.len - over;
}

bp_str kit_telling_line(bp_str words) {
  const char *at = words.ptr, *end = at ? at + words.len : at;
  bp_str last = {at, 0};
  while (at != end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    bp_str line = {at, (size_t)((stop ? stop : end) - at)};
    at = stop ? stop + 1 : end;
    if (line.len && line.ptr[line.len - 1] == '\r')
      line.len--;
    if (memmem(line.ptr, line.len, "Error: ", 7))
      return line;
    if (line.len)
      last = line;
  }
  return last;
}

void kit_publish(bp_plugin self, const bp_db_1 *db, bp_str topic, bp_str key, bp_str payload) {
  const bp_db_step step = {.size = sizeof(step), .kind = BP_DB_PUBLISH, .topic = topic, .key = key, .payload = payload};
  db->write(self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, published, NULL);
}

bp_str kit_time_text(int64_t wall_ns, char text[KIT_TIME_BYTES]) {
  int64_t nanos = wall_ns % 1000000000;
  time_t seconds = (time_t)(wall_ns / 1000000000) - (nanos < 0);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  size_t len = strftime(text, KIT_TIME_BYTES - 6, "%Y-%m-%dT%H:%M:%S", &utc);
  len += (size_t)snprintf(text + len, KIT_TIME_BYTES - len, ".%03dZ", (int)((nanos + (nanos < 0 ? 1000000000 : 0)) / 1000000));
  return bp_str_make(text, len);
}

bool kit_same(bp_str a, const char *b) {
  return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, a.len) == 0);
}

char *str_dup(bp_str text) {
  char *copy = malloc(text.len + 1);
  if (!copy)
    return NULL;
  if (text.len)
    memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  return copy;
}

void json_text_member(const bp_json_1 *json, bp_json_writer out, bp_str name, bp_str value) {
  json->key(out, name);
  json->put_string(out, value);
}

struct kit_text kit_text_copy(bp_str from) {
  struct kit_text copy = {from.ptr ? malloc(from.len + 1) : NULL, 0};
  if (copy.ptr) {
    memcpy(copy.ptr, from.ptr, from.len);
    copy.ptr[from.len] = '\0';
    copy.len = from.len;
  }
  return copy;
}

void kit_text_free(struct kit_text *text) {
  free(text->ptr);
  *text = (struct kit_text){NULL, 0};
}

bp_str kit_text_str(const struct kit_text *text) {
  return bp_str_make(text->ptr, text->len);
}

struct kit_text kit_text_of_writer(const bp_json_1 *json, bp_json_writer writer) {
  bp_str text = {NULL, 0};
  struct kit_text copy = {NULL, 0};
  if (writer && json->writer_text(writer, &text, NULL) == BP_OK)
    copy = kit_text_copy(text);
  if (writer)
    json->writer_free(writer);
  return copy;
}

struct kit_text kit_text_of_json(const bp_json_1 *json, bp_plugin self, bp_json value) {
  bp_json_writer out = 0;
  if (!value || json->writer_new(self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  json->put_value(out, value);
  return kit_text_of_writer(json, out);
}

bp_str kit_cut(bp_str text, size_t most) {
  if (text.len <= most)
    return text;
  while (most > 0 && ((unsigned char)text.ptr[most] & 0xC0) == 0x80)
    most--;
  return bp_str_make(text.ptr, most);
}

void kit_uuid(const bp_core_1 *core, char text[KIT_UUID_BYTES]) {
  unsigned char b[16];
  core->random_bytes(b, sizeof(b));
  b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
  b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
  snprintf(text, KIT_UUID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
           b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bp_status kit_service_call(bp_plugin self, const bp_service_1 *service, const bp_json_1 *json, bp_str name, bp_str method, bp_json_writer payload,
                           uint32_t timeout_ms, bp_service_done_fn done, void *ctx) {
  bp_str text = {NULL, 0};
  json->object_end(payload);
  bp_status status = json->writer_text(payload, &text, NULL);
  if (status == BP_OK)
    status = service->call(self, name, method, text, timeout_ms, done, ctx);
  json->writer_free(payload);
  return status;
}

void *kit_call_new(bp_plugin self, const bp_http_1 *http, const bp_db_1 *db, bp_request request, size_t size) {
  struct kit_call *call = calloc(1, size);
  if (!call) {
    http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return NULL;
  }
  *call = (struct kit_call){.self = self, .http = http, .db = db, .request = request};
  http->defer(request, NULL, NULL);
  return call;
}

void kit_call_refuse(void *ptr, bp_status status, const bp_error *err) {
  const struct kit_call *call = ptr;
  call->http->reply_failure(call->request, status, err);
  free(ptr);
}

bool kit_call_failed(void *call, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  kit_call_refuse(call, outcome->status, outcome->error);
  return true;
}

void kit_call_write(void *ptr, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  const struct kit_call *call = ptr;
  bp_array all = {steps, count, (uint32_t)sizeof(*steps)};
  bp_status status = call->db->write(call->self, all, done, ptr);
  if (status != BP_OK)
    kit_call_refuse(ptr, status, NULL);
}

void kit_call_read(void *ptr, const bp_db_query *queries, uint32_t count, bp_db_done_fn done) {
  const struct kit_call *call = ptr;
  bp_array all = {queries, count, (uint32_t)sizeof(*queries)};
  bp_status status = call->db->read(call->self, all, 0, done, ptr);
  if (status != BP_OK)
    kit_call_refuse(ptr, status, NULL);
}

void kit_problem(const bp_http_1 *http, bp_request request, uint32_t status, bp_str message) {
  bp_problem problem = {.size = sizeof(problem), .status = status, .message = message};
  http->reply_problem(request, &problem);
}

void kit_call_problem(void *ptr, uint32_t status, bp_str message) {
  const struct kit_call *call = ptr;
  kit_problem(call->http, call->request, status, message);
  free(ptr);
}

void kit_call_text(void *ptr, uint32_t status, bp_str json_text) {
  const struct kit_call *call = ptr;
  call->http->reply_text(call->request, status, BP_LIT("application/json"), json_text);
  free(ptr);
}

void kit_call_json(void *ptr, uint32_t status, const bp_json_1 *json, bp_json_writer body) {
  const struct kit_call *call = ptr;
  call->http->reply_json(call->request, status, body);
  json->writer_free(body);
  free(ptr);
}

/* ---- Growing texts ---- */

bool kit_buf_add(struct kit_buf *t, bp_str bytes, size_t limit) {
  if (bytes.len > limit || t->len > limit - bytes.len)
    return false;
  if (t->len + bytes.len + 1 > t->cap) {
    size_t cap = t->cap ? t->cap : 256;
    while (cap < t->len + bytes.len + 1)
      cap *= 2;
    char *grown = realloc(t->ptr, cap);
    if (!grown)
      return false;
    t->ptr = grown;
    t->cap = cap;
  }
  if (bytes.len)
    memcpy(t->ptr + t->len, bytes.ptr, bytes.len);
  t->len += bytes.len;
  t->ptr[t->len] = '\0';
  return true;
}

void kit_buf_free(struct kit_buf *t) {
  free(t->ptr);
  *t = (struct kit_buf){0};
}

bp_str kit_buf_str(const struct kit_buf *t) {
  return bp_str_make(t->ptr ? t->ptr : "", t->len);
}
