/* Answers of the host's own routes; see reply.h. */
#include "api/reply.h"
#include "base/str.h"
#include "router/failure_status.h"
#include "router/family.h"
#include "json/json.h"

#include <string.h>

void reply_json(struct http_exchange *x, unsigned status, json_t *value) {
  struct buf text = {0};
  if (value)
    doc_write(&text, value);
  json_decref(value);
  exchange_header_add(x, BP_LIT("Cache-Control"), BP_LIT("no-store"));
  if (text.failed || !text.len)
    reply_problem(x, 503, "no memory for the answer", NULL);
  else
    exchange_reply(x, status, BP_LIT("application/json"), buf_str(&text));
  buf_release(&text);
}

json_t *text_or_null(bp_str text) {
  return text.len ? json_stringn(text.ptr, text.len) : json_null();
}

void reply_problem(struct http_exchange *x, unsigned status, const char *message, const char *hint) {
  const bp_problem problem = {.size = sizeof(problem), .status = status, .message = str_from(message), .hint = str_from(hint)};
  family_reply_error(x, family_host(), &problem);
}

void reply_failure(struct http_exchange *x, bp_status status, const bp_error *err) {
  reply_problem(x, status_of_failure(status), err->message, err->hint);
}

json_t *read_object(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  json_t *value = doc_parse(body, &doc_default_limits, &err);
  if (!value) {
    reply_problem(x, 400, body.len ? err.message : "the body is missing", "send a JSON object");
    return NULL;
  }
  if (!json_is_object(value)) {
    json_decref(value);
    reply_problem(x, 400, "the body is not an object", "send a JSON object");
    return NULL;
  }
  return value;
}

const char *read_string(struct http_exchange *x, const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  if (text && text[0])
    return text;
  struct buf message = {0};
  buf_printf(&message, "\"%s\" is missing or not a string", name);
  buf_append_char(&message, '\0');
  reply_problem(x, 400, message.data, NULL);
  buf_release(&message);
  return NULL;
}

bp_str read_last_segment(struct http_exchange *x, const char *prefix) {
  size_t skip = strlen(prefix);
  bp_str segment = bp_str_make(x->path.ptr + skip, x->path.len - skip);
  if (segment.len > 0 && str_find(segment, '/') < 0)
    return segment;
  reply_problem(x, 404, "nothing is served at this path", NULL);
  return bp_str_make(NULL, 0);
}
