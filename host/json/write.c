/* doc_write: compact JSON text from a tree. UTF-8 goes out as it is; only quotes, backslashes and control bytes are escaped.
 * The writer handles of bp.json/1 (writers.c) use the same scalars. */
#include "base/str.h"
#include "json/json.h"
#include "json/plain.h"
#include "json/scalars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0: as it is; 'u': \u00XX; anything else: the letter after the backslash. */
static const char escapes[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',          'u',
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', [0x22] = '"', [0x5C] = '\\',
};

static void write_escape(struct buf *out, unsigned char byte) {
  static const char hex[] = "0123456789abcdef";
  char letter = escapes[byte];
  char text[6] = {'\\', letter, '0', '0', hex[byte >> 4], hex[byte & 15]};
  buf_append(out, text, letter == 'u' ? 6 : 2);
}

/* ASCII that goes out as it is; what most keys and many values are. */
static bool is_plain_ascii(bp_str text) {
  size_t i = 0;
  for (; text.len - i >= PLAIN_BLOCK; i += PLAIN_BLOCK)
    if (!plain_block(text.ptr + i, PLAIN_EACH(0x80u)))
      return false;
  if (i > 0)
    return i == text.len || plain_block(text.ptr + text.len - PLAIN_BLOCK, PLAIN_EACH(0x80u));
  for (; i < text.len; i++)
    if ((unsigned char)text.ptr[i] >= 0x80 || escapes[(unsigned char)text.ptr[i]])
      return false;
  return true;
}

bool doc_write_ascii(struct buf *out, bp_str text) {
  char *at = is_plain_ascii(text) ? buf_reserve(out, text.len + 2) : NULL;
  if (!at)
    return false;
  at[0] = '"';
  if (text.len)
    memcpy(at + 1, text.ptr, text.len);
  at[text.len + 1] = '"';
  out->len += text.len + 2;
  return true;
}

void doc_write_escaped(struct buf *out, bp_str text) {
  size_t start = 0, i = 0;
  buf_append_char(out, '"');
  while (i < text.len) {
    if (text.len - i >= PLAIN_BLOCK && plain_block(text.ptr + i, 0)) {
      i += PLAIN_BLOCK;
      continue;
    }
    unsigned char byte = (unsigned char)text.ptr[i++];
    if (!escapes[byte])
      continue;
    buf_append(out, text.ptr + start, i - 1 - start);
    write_escape(out, byte);
    start = i;
  }
  if (text.len > start)
    buf_append(out, text.ptr + start, text.len - start);
  buf_append_char(out, '"');
}

void doc_write_string(struct buf *out, bp_str text) {
  if (!doc_write_ascii(out, text))
    doc_write_escaped(out, text);
}

void scalar_integer(struct buf *out, int64_t value) {
  if (value < 0)
    buf_append_char(out, '-');
  buf_append_u64(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* The shortest of 15, 16 and 17 digits that reads back as the same number. A whole number keeps ".0", so that it stays a
 * real for whoever reads it. */
void scalar_real(struct buf *out, double value) {
  char text[40];
  int len = 0;
  for (int digits = 15; digits <= 17; digits++) {
    len = snprintf(text, sizeof(text), "%.*g", digits, value);
    if (strtod(text, NULL) == value)
      break;
  }
  buf_append(out, text, (size_t)len);
  if (!strpbrk(text, ".e"))
    buf_append_z(out, ".0");
}

static void write_array(struct buf *out, const json_t *array) {
  size_t count = json_array_size(array);
  buf_append_char(out, '[');
  for (size_t i = 0; i < count; i++) {
    if (i)
      buf_append_char(out, ',');
    doc_write(out, json_array_get(array, i));
  }
  buf_append_char(out, ']');
}

static void write_object(struct buf *out, const json_t *object) {
  json_t *members = (json_t *)(uintptr_t)object; /* jansson's iterators are not const-correct */
  char before = '{';
  if (json_object_size(object) == 0)
    buf_append_char(out, before);
  for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
    buf_append_char(out, before);
    doc_write_string(out, bp_str_make(json_object_iter_key(at), json_object_iter_key_len(at)));
    buf_append_char(out, ':');
    doc_write(out, json_object_iter_value(at));
    before = ',';
  }
  buf_append_char(out, '}');
}

void doc_write(struct buf *out, const json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    write_object(out, value);
    break;
  case JSON_ARRAY:
    write_array(out, value);
    break;
  case JSON_STRING:
    doc_write_string(out, bp_str_make(json_string_value(value), json_string_length(value)));
    break;
  case JSON_INTEGER:
    scalar_integer(out, json_integer_value(value));
    break;
  case JSON_REAL:
    scalar_real(out, json_real_value(value));
    break;
  case JSON_TRUE:
    buf_append(out, "true", 4);
    break;
  case JSON_FALSE:
    buf_append(out, "false", 5);
    break;
  case JSON_NULL:
    buf_append(out, "null", 4);
    break;
  }
}
