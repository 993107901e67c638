/* Numbers, words and escapes; see value_text.h. */
#include "router/value_text.h"
#include "base/hex.h"
#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool param_to_integer(bp_str text, int64_t *ret) {
  return str_to_i64(text, ret);
}

bool param_to_boolean(bp_str text, uint32_t *ret) {
  static const struct {
    const char *word;
    uint32_t value;
  } words[] = {{"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}, {"yes", 1}, {"no", 0}, {"on", 1}, {"off", 0}};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (str_ieq(text, str_from(words[i].word))) {
      *ret = words[i].value;
      return true;
    }
  return false;
}

/* Decimal with an optional fraction and exponent; no hexadecimal, no "inf", no blanks. */
bool param_to_real(bp_str text, double *ret) {
  char copy[64];
  if (text.len == 0 || text.len >= sizeof(copy))
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (!text.ptr[i] || !strchr("0123456789+-.eE", text.ptr[i]))
      return false;
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  char *end;
  double value = strtod(copy, &end);
  if (end != copy + text.len || !isfinite(value))
    return false;
  *ret = value;
  return true;
}

size_t query_decode(bp_str text, char *out) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    int high = c == '%' && i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
    int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
    if (low >= 0) {
      c = (char)(high << 4 | low);
      i += 2;
    } else if (c == '+') {
      c = ' ';
    }
    out[len++] = c;
  }
  return len;
}
