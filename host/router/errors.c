/* The four error shapes: the one place where errors become bytes. */
#include "router/errors.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/reason.h"
#include "loader/tables.h"
#include "router/family_object.h"
#include "router/request.h"

#include <string.h>

#define INPUT_LIMIT_BYTES 1024
#define SENTENCE_ITEMS 8u

/* One error answer, whatever its shape. */
struct answer {
  const struct family *family;
  unsigned status;
  bp_str message, code, hint;
  const struct error_list *list; /* NULL: not about single fields */
};

static const bp_json_1 *const json = &json_table;

static void put_text(bp_json_writer w, bp_str key, bp_str text) {
  json->key(w, key);
  json->put_string(w, text);
}

/* ---- Where: a location "/body/tags/0" as FastAPI's list, and as words ---- */

/* The next part of a location, its ~0 and ~1 undone; `ret` has room for a whole location. */
static bool next_part(const char **at, char *ret, size_t *ret_len) {
  if (**at != '/')
    return false;
  size_t len = 0;
  const char *p = *at + 1;
  for (; *p && *p != '/'; p++) {
    char c = *p;
    if (c == '~' && (p[1] == '0' || p[1] == '1'))
      c = *++p == '0' ? '~' : '/';
    ret[len++] = c;
  }
  *at = p;
  *ret_len = len;
  return true;
}

/* An array index, or a byte offset: digits without a leading zero. */
static bool is_index(bp_str part, int64_t *ret) {
  bool is_digits = part.len > 0 && part.len < 11 && (part.ptr[0] != '0' || part.len == 1) && part.ptr[0] != '-';
  return is_digits && str_to_i64(part, ret);
}

static void put_location(bp_json_writer w, const char *location) {
  char text[sizeof(((struct error_item *)0)->location)];
  size_t len;
  json->array_begin(w);
  for (unsigned i = 0; next_part(&location, text, &len); i++) {
    int64_t index;
    if (i > 0 && is_index(bp_str_make(text, len), &index))
      json->put_integer(w, index);
    else
      json->put_string(w, bp_str_make(text, len));
  }
  json->array_end(w);
}

/* "tags.0" in body: */
static void append_place(struct buf *out, const char *location) {
  char part[sizeof(((struct error_item *)0)->location)], text[sizeof(part)];
  size_t part_len = 0, len;
  next_part(&location, part, &part_len);
  for (unsigned i = 0; next_part(&location, text, &len); i++) {
    buf_append_char(out, i ? '.' : '"');
    buf_append(out, text, len);
  }
  if (out->len && out->data[out->len - 1] != ' ')
    buf_append_z(out, "\" in ");
  buf_append(out, part, part_len);
  buf_append_z(out, ": ");
}

static void append_item(struct buf *out, const struct error_item *item) {
  if (item->input == ERROR_INPUT_SYNTAX) {
    buf_append_z(out, "the body is not valid JSON at byte ");
    buf_append_z(out, strrchr(item->location, '/') + 1);
    buf_append_z(out, ": ");
    buf_append_str(out, item->text);
    return;
  }
  struct buf place = {0};
  append_place(&place, item->location);
  buf_append_str(out, buf_str(&place));
  buf_release(&place);
  buf_append_z(out, item->message);
}

/* All items in one sentence, for shapes that have only a sentence. */
static void append_sentence(struct buf *out, const struct error_list *list) {
  unsigned shown = list->count < SENTENCE_ITEMS ? list->count : SENTENCE_ITEMS;
  for (unsigned i = 0; i < shown; i++) {
    if (i > 0)
      buf_append_z(out, "; ");
    append_item(out, &list->items[i]);
  }
  if (shown < list->count)
    buf_append_z(out, "; and more");
}

/* ---- What: the offending value, where it is small ---- */

/* Spends the bytes a value would take, roughly; false when there are not so many. Never walks far: each step costs. */
static bool is_small(const json_t *value, size_t *budget) {
  size_t cost = json_is_string(value) ? json_string_length(value) + 2 : 4;
  if (cost > *budget)
    return false;
  *budget -= cost;
  if (json_is_object(value)) {
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
      if (strlen(key) > *budget || !is_small(member, budget))
        return false;
      *budget -= strlen(key);
    }
  }
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!is_small(json_array_get(value, i), budget))
      return false;
  return true;
}

static void put_value(bp_json_writer w, const json_t *value) {
  size_t budget = INPUT_LIMIT_BYTES;
  if (!is_small(value, &budget))
    return;
  struct buf text = {0};
  doc_write(&text, value);
  if (!text.failed && text.len <= INPUT_LIMIT_BYTES) {
    json->key(w, BP_LIT("input"));
    json->put_raw(w, buf_str(&text));
  }
  buf_release(&text);
}

static void put_input(bp_json_writer w, const struct error_item *item) {
  if (item->input == ERROR_INPUT_VALUE) {
    put_value(w, item->value);
  } else if (item->input == ERROR_INPUT_TEXT) {
    if (item->text.len <= INPUT_LIMIT_BYTES)
      put_text(w, BP_LIT("input"), item->text);
  } else if (item->input == ERROR_INPUT_NULL) {
    json->key(w, BP_LIT("input"));
    json->put_null(w);
  } else if (item->input == ERROR_INPUT_SYNTAX) {
    json->key(w, BP_LIT("input"));
    json->object_begin(w);
    json->object_end(w);
    json->key(w, BP_LIT("ctx"));
    json->object_begin(w);
    put_text(w, BP_LIT("error"), item->text);
    json->object_end(w);
  }
}

/* ---- The shapes ---- */

static void put_detail_item(bp_json_writer w, const struct error_item *item) {
  json->object_begin(w);
  put_text(w, BP_LIT("type"), str_from(item->kind[0] ? item->kind : "value_error"));
  json->key(w, BP_LIT("loc"));
  put_location(w, item->location);
  put_text(w, BP_LIT("msg"), str_from(item->message));
  put_input(w, item);
  json->object_end(w);
}

static void put_detail(bp_json_writer w, const struct answer *answer) {
  json->object_begin(w);
  json->key(w, BP_LIT("detail"));
  if (answer->list) {
    json->array_begin(w);
    for (unsigned i = 0; i < answer->list->count; i++)
      put_detail_item(w, &answer->list->items[i]);
    json->array_end(w);
  } else {
    json->put_string(w, answer->message);
  }
  json->object_end(w);
}

static void put_error(bp_json_writer w, const struct answer *answer) {
  json->object_begin(w);
  put_text(w, BP_LIT("error"), answer->message);
  json->object_end(w);
}

static void put_success(bp_json_writer w, const struct answer *answer) {
  json->object_begin(w);
  json->key(w, BP_LIT("success"));
  json->put_boolean(w, 0);
  put_text(w, BP_LIT("error"), answer->message);
  if (answer->code.len)
    put_text(w, BP_LIT("code"), answer->code);
  json->object_end(w);
}

static bp_str title_of(unsigned status) {
  const char *reason = http_reason(status);
  if (reason)
    return str_from(reason);
  return status < 500 ? BP_LIT("Client Error") : BP_LIT("Server Error");
}

/* RFC 9457; "errors" is an extension member as in its section 3. */
static void put_problem(bp_json_writer w, const struct answer *answer) {
  json->object_begin(w);
  put_text(w, BP_LIT("type"), BP_LIT("about:blank"));
  put_text(w, BP_LIT("title"), title_of(answer->status));
  json->key(w, BP_LIT("status"));
  json->put_integer(w, answer->status);
  put_text(w, BP_LIT("detail"), answer->message);
  if (answer->code.len)
    put_text(w, BP_LIT("code"), answer->code);
  if (answer->hint.len)
    put_text(w, BP_LIT("hint"), answer->hint);
  if (answer->list) {
    json->key(w, BP_LIT("errors"));
    json->array_begin(w);
    for (unsigned i = 0; i < answer->list->count; i++) {
      json->object_begin(w);
      put_text(w, BP_LIT("pointer"), str_from(answer->list->items[i].location));
      put_text(w, BP_LIT("detail"), str_from(answer->list->items[i].message));
      json->object_end(w);
    }
    json->array_end(w);
  }
  json->object_end(w);
}

static void (*const shapes[])(bp_json_writer w, const struct answer *answer) = {
    [BP_ERRORS_DETAIL] = put_detail,
    [BP_ERRORS_ERROR] = put_error,
    [BP_ERRORS_SUCCESS] = put_success,
    [BP_ERRORS_PROBLEM] = put_problem,
};

static void send_answer(struct http_exchange *x, const struct answer *answer) {
  const struct family *family = answer->family;
  bp_str type = family->facts.error_shape == BP_ERRORS_PROBLEM ? BP_LIT("application/problem+json") : family_json_type(family);
  bp_json_writer w = doc_writer_new(0);
  bp_str text = BP_LIT("");
  if (w)
    shapes[family->facts.error_shape](w, answer);
  if (w && !doc_writer_text(w, &text, NULL)) { /* what a plugin gave is not UTF-8: the client still gets the family's shape */
    const struct answer plain = {.family = family, .status = answer->status, .message = title_of(answer->status)};
    json->writer_reset(w);
    shapes[family->facts.error_shape](w, &plain);
  }
  if (!w || !doc_writer_text(w, &text, NULL))
    type = BP_LIT("");
  request_note_status(x, answer->status);
  exchange_reply(x, answer->status, type, text);
  doc_writer_free(w);
}

void family_reply_invalid(struct http_exchange *x, const struct family *family, const struct error_list *list) {
  struct buf sentence = {0};
  append_sentence(&sentence, list);
  struct answer answer = {.family = family, .status = family->facts.validation_status, .message = buf_str(&sentence), .list = list};
  send_answer(x, &answer);
  buf_release(&sentence);
}

/* A plugin's validation error: one item, at the status the plugin chose. */
static void reply_located(struct http_exchange *x, const struct family *family, const bp_problem *problem) {
  static struct error_list list; /* main thread only, and too large for the stack of every error */
  list.count = 0;
  bp_str pointer = problem->location;
  if (pointer.len && pointer.ptr[0] == '/')
    pointer = bp_str_make(pointer.ptr + 1, pointer.len - 1);
  ptrdiff_t slash = str_find(pointer, '/');
  size_t part_len = slash < 0 ? pointer.len : (size_t)slash;
  char part[32] = {0}, kind[48] = {0};
  memcpy(part, pointer.ptr, part_len < sizeof(part) ? part_len : sizeof(part) - 1);
  if (problem->kind.len)
    memcpy(kind, problem->kind.ptr, problem->kind.len < sizeof(kind) ? problem->kind.len : sizeof(kind) - 1);
  error_add(&list, part, bp_str_make(pointer.ptr + part_len, pointer.len - part_len), kind, problem->message);
  struct buf sentence = {0};
  append_sentence(&sentence, &list);
  struct answer answer = {.family = family, .status = problem->status, .code = problem->code, .hint = problem->hint, .list = &list};
  answer.message = buf_str(&sentence);
  send_answer(x, &answer);
  buf_release(&sentence);
}

void family_reply_error(struct http_exchange *x, const struct family *family, const bp_problem *problem) {
  if (problem->location.len) {
    reply_located(x, family, problem);
    return;
  }
  struct answer answer = {.family = family, .status = problem->status, .message = problem->message, .code = problem->code, .hint = problem->hint};
  send_answer(x, &answer);
}

void family_reply_text(struct http_exchange *x, const struct family *family, unsigned status, bp_str message) {
  struct answer answer = {.family = family, .status = status, .message = message};
  send_answer(x, &answer);
}

void family_reply_unavailable(struct http_exchange *x, const struct family *family, bp_str message) {
  exchange_header_add(x, BP_LIT("Retry-After"), BP_LIT("1"));
  family_reply_text(x, family, 503, message);
}
