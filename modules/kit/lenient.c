/* JSON of programs that write what JSON.parse takes and strict UTF-8 is not: half of a surrogate pair where a text was cut, bytes of
 * another encoding; see kit.h. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPE_BYTES 6u /* \uXXXX */
#define REPLACEMENT BP_LIT("\xEF\xBF\xBD")

size_t kit_utf8_length(bp_str s, size_t at) {
  const unsigned char *p = (const unsigned char *)s.ptr + at;
  size_t left = s.len - at, need = p[0] < 0x80                    ? 1
                                   : p[0] >= 0xC2 && p[0] <= 0xDF ? 2
                                   : (p[0] & 0xF0) == 0xE0        ? 3
                                   : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                                  : 0;
  if (need == 0 || need > left)
    return 0;
  for (size_t i = 1; i < need; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
    return 0;
  return need;
}

void kit_mark_bad(char *text, size_t len) {
  for (size_t i = 0; i < len;) {
    size_t step = text[i] ? kit_utf8_length(bp_str_make(text, len), i) : 0;
    if (step == 0)
      text[i] = '?';
    i += step ? step : 1;
  }
}

static int digit_of(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of the \uXXXX at `at`, or -1. */
static int32_t escape_at(bp_str text, size_t at) {
  int32_t number = 0;
  if (text.len - at < ESCAPE_BYTES || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u')
    return -1;
  for (size_t i = at + 2; i < at + ESCAPE_BYTES; i++) {
    int digit = digit_of(text.ptr[i]);
    if (digit < 0)
      return -1;
    number = number * 16 + digit;
  }
  return number;
}

static bool is_first_half(int32_t number) {
  return number >= 0xD800 && number <= 0xDBFF;
}

static bool is_second_half(int32_t number) {
  return number >= 0xDC00 && number <= 0xDFFF;
}

/* How many bytes at `at` stay as they are; 0: `*ret_bad` bytes are to be replaced. */
static size_t good_at(bp_str text, size_t at, size_t *ret_bad) {
  int32_t number = escape_at(text, at);
  *ret_bad = 1;
  if (number < 0 && text.ptr[at] == '\\' && at + 1 < text.len && (text.ptr[at + 1] & 0x80) == 0)
    return 2;
  if (number < 0)
    return kit_utf8_length(text, at);
  if (is_first_half(number) && at + ESCAPE_BYTES < text.len && is_second_half(escape_at(text, at + ESCAPE_BYTES)))
    return 2 * (size_t)ESCAPE_BYTES;
  *ret_bad = ESCAPE_BYTES;
  return is_first_half(number) || is_second_half(number) ? 0 : ESCAPE_BYTES;
}

/* A copy with U+FFFD in place of what is not valid. False: without memory, or there is nothing to replace. */
static bool mend(bp_str text, struct kit_buf *out) {
  size_t start = 0, bad;
  for (size_t at = 0; at < text.len;) {
    size_t good = good_at(text, at, &bad);
    at += good;
    if (good > 0)
      continue;
    if (!kit_buf_add(out, bp_str_make(text.ptr + start, at - start), SIZE_MAX / 4) || !kit_buf_add(out, REPLACEMENT, SIZE_MAX / 4))
      return false;
    at += bad;
    start = at;
  }
  return out->len > 0 && kit_buf_add(out, bp_str_make(text.ptr + start, text.len - start), SIZE_MAX / 4);
}

bp_status kit_parse_lenient(const bp_json_1 *json, bp_plugin self, bp_str text, bp_json *ret, bp_error *err) {
  struct kit_buf mended = {0};
  bp_status status = json->parse(self, text, ret, err);
  if (status == BP_E_PARSE && mend(text, &mended))
    status = json->parse(self, kit_buf_str(&mended), ret, err);
  kit_buf_free(&mended);
  return status;
}
