/* The quick reader; see quick.h. One pass, RFC 8259; at anything doubtful it gives up. */
#include "json/quick.h"
#include "base/hex.h"
#include "json/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64u        /* of the recursion here; deeper texts are rare */
#define INTEGER_DIGITS 18    /* that many always fit into int64_t */
#define NUMBER_BYTES_MAX 63u /* of one with a fraction or an exponent */

struct reader {
  const char *at, *end;
  uint32_t depth_left, keys;
  struct buf plain; /* a string with escapes, without them */
};

static json_t *read_value(struct reader *r);

static void skip_blanks(struct reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
    r->at++;
}

static bool take(struct reader *r, char wanted) {
  if (r->at == r->end || *r->at != wanted)
    return false;
  r->at++;
  return true;
}

/* ---- Strings ---- */

/* Behind "\u"; 0 where it is no four digits, or NUL. */
static uint32_t read_unit(struct reader *r) {
  uint32_t unit = 0;
  if (r->end - r->at < 4)
    return 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_value(*r->at++);
    if (digit < 0)
      return 0;
    unit = unit << 4 | (uint32_t)digit;
  }
  return unit;
}

static void put_utf8(struct buf *out, uint32_t code) {
  if (code < 0x80) {
    buf_append_char(out, (char)code);
    return;
  }
  char bytes[4];
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len - 1; i > 0; i--, code >>= 6)
    bytes[i] = (char)(0x80 | (code & 0x3F));
  bytes[0] = (char)(leads[len] | code);
  buf_append(out, bytes, len);
}

/* Surrogates come in pairs, high before low. */
static bool read_code(struct reader *r) {
  uint32_t code = read_unit(r);
  if (code >= 0xD800 && code < 0xDC00) {
    if (!take(r, '\\') || !take(r, 'u'))
      return false;
    uint32_t low = read_unit(r);
    if (low < 0xDC00 || low >= 0xE000)
      return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code == 0 || (code >= 0xDC00 && code < 0xE000)) {
    return false;
  }
  put_utf8(&r->plain, code);
  return true;
}

static bool read_escape(struct reader *r) {
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (r->at == r->end)
    return false;
  char letter = *r->at++;
  if (letter == 'u')
    return read_code(r);
  const char *found = letter ? strchr(letters, letter) : NULL;
  if (found)
    buf_append_char(&r->plain, meanings[found - letters]);
  return found != NULL;
}

/* Up to the quote or backslash; false at a control character or the end. */
static bool skip_plain(struct reader *r) {
  while ((size_t)(r->end - r->at) >= PLAIN_BLOCK && plain_block(r->at, 0))
    r->at += PLAIN_BLOCK;
  while (r->at < r->end && *r->at != '"' && *r->at != '\\') {
    if ((unsigned char)*r->at < 0x20)
      return false;
    r->at++;
  }
  return r->at < r->end;
}

/* Behind the opening quote. The text is good until the next string is read. */
static bool read_text(struct reader *r, bp_str *ret) {
  const char *start = r->at;
  if (!skip_plain(r))
    return false;
  if (*r->at == '"') {
    *ret = bp_str_make(start, (size_t)(r->at++ - start));
    return true;
  }
  buf_clear(&r->plain);
  for (;;) {
    buf_append(&r->plain, start, (size_t)(r->at - start));
    if (*r->at++ == '"')
      break;
    if (!read_escape(r))
      return false;
    start = r->at;
    if (!skip_plain(r))
      return false;
  }
  *ret = bp_str_make(r->plain.data ? r->plain.data : "", r->plain.len);
  return !r->plain.failed;
}

static json_t *read_string(struct reader *r) {
  bp_str text;
  return read_text(r, &text) ? json_stringn_nocheck(text.ptr, text.len) : NULL;
}

/* ---- Numbers ---- */

static void skip_digits(struct reader *r) {
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
    r->at++;
}

/* `start` is where the number begins, r->at where its fraction or exponent does. */
static json_t *read_real(struct reader *r, const char *start) {
  char text[NUMBER_BYTES_MAX + 1];
  const char *part = r->at;
  if (take(r, '.')) {
    skip_digits(r);
    if (r->at == part + 1)
      return NULL;
  }
  if (take(r, 'e') || take(r, 'E')) {
    if (!take(r, '+'))
      (void)take(r, '-');
    part = r->at;
    skip_digits(r);
    if (r->at == part)
      return NULL;
  }
  size_t len = (size_t)(r->at - start);
  if (len > NUMBER_BYTES_MAX)
    return NULL;
  memcpy(text, start, len);
  text[len] = '\0';
  double value = strtod(text, NULL);
  return isfinite(value) ? json_real(value) : NULL;
}

static json_t *read_number(struct reader *r) {
  const char *start = r->at;
  bool is_negative = take(r, '-');
  const char *digits = r->at;
  json_int_t value = 0;
  skip_digits(r);
  ptrdiff_t count = r->at - digits;
  if (count == 0 || (*digits == '0' && count > 1) || count > INTEGER_DIGITS)
    return NULL;
  if (r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E'))
    return read_real(r, start);
  for (const char *digit = digits; digit < r->at; digit++)
    value = value * 10 + (*digit - '0');
  return json_integer(is_negative ? -value : value);
}

/* ---- Words, arrays and objects ---- */

static bool take_word(struct reader *r, const char *word, size_t len) {
  if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
    return false;
  r->at += len;
  return true;
}

static bool fill_array(struct reader *r, json_t *array) {
  skip_blanks(r);
  if (take(r, ']'))
    return true;
  for (;;) {
    if (json_array_append_new(array, read_value(r)) != 0) /* refuses NULL, too */
      return false;
    skip_blanks(r);
    if (!take(r, ','))
      return take(r, ']');
  }
}

/* A repeated key would replace its member instead of adding one. */
static bool fill_member(struct reader *r, json_t *object, uint32_t count) {
  char room[64];
  bp_str key;
  skip_blanks(r);
  if (!take(r, '"') || !read_text(r, &key) || count == r->keys)
    return false;
  bool is_borrowed = key.ptr == r->plain.data && key.len > 0; /* the next string takes its place */
  if (is_borrowed && key.len > sizeof(room))
    return false;
  if (is_borrowed)
    key.ptr = memcpy(room, key.ptr, key.len);
  skip_blanks(r);
  if (!take(r, ':'))
    return false;
  json_t *value = read_value(r);
  return value && json_object_setn_new_nocheck(object, key.ptr, key.len, value) == 0 && json_object_size(object) == count + 1;
}

static bool fill_object(struct reader *r, json_t *object) {
  skip_blanks(r);
  if (take(r, '}'))
    return true;
  for (uint32_t count = 0;; count++) {
    if (!fill_member(r, object, count))
      return false;
    skip_blanks(r);
    if (!take(r, ','))
      return take(r, '}');
  }
}

static json_t *read_container(struct reader *r, json_t *container, bool (*fill)(struct reader *r, json_t *container)) {
  if (!container || r->depth_left == 0) {
    json_decref(container);
    return NULL;
  }
  r->depth_left--;
  bool is_filled = fill(r, container);
  r->depth_left++;
  if (is_filled)
    return container;
  json_decref(container);
  return NULL;
}

static json_t *read_value(struct reader *r) {
  skip_blanks(r);
  if (r->at == r->end)
    return NULL;
  switch (*r->at) {
  case '"':
    r->at++;
    return read_string(r);
  case '{':
    r->at++;
    return read_container(r, json_object(), fill_object);
  case '[':
    r->at++;
    return read_container(r, json_array(), fill_array);
  case 't':
    return take_word(r, "true", 4) ? json_true() : NULL;
  case 'f':
    return take_word(r, "false", 5) ? json_false() : NULL;
  case 'n':
    return take_word(r, "null", 4) ? json_null() : NULL;
  default:
    return read_number(r);
  }
}

json_t *quick_read(bp_str text, const struct doc_limits *limits) {
  struct reader r = {
      .at = text.ptr, .end = text.ptr + text.len, .depth_left = limits->depth < DEPTH_MAX ? limits->depth : DEPTH_MAX, .keys = limits->keys};
  json_t *value = text.len ? read_value(&r) : NULL;
  skip_blanks(&r);
  if (value && r.at != r.end) {
    json_decref(value);
    value = NULL;
  }
  buf_release(&r.plain);
  return value;
}
