/* Base64 (RFC 4648 section 4): content that is no text comes in this form. */
#include "files.h"

static int digit(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(bp_str text, char *ret, size_t *ret_len) {
  size_t len = 0;
  uint32_t bits = 0;
  unsigned count = 0;
  bool is_padded = text.len > 0 && text.len % 4 == 0;
  for (unsigned i = 0; i < 2 && is_padded && text.ptr[text.len - 1] == '='; i++)
    text.len--;
  for (size_t i = 0; i < text.len; i++) {
    int value = digit(text.ptr[i]);
    if (value < 0)
      return false;
    bits = bits << 6 | (uint32_t)value;
    if (++count % 4 == 0)
      bits &= 0xFFFFFF;
    if (count % 4 != 1)
      ret[len++] = (char)(bits >> (count % 4 == 2 ? 4 : count % 4 == 3 ? 2 : 0));
  }
  *ret_len = len;
  return count % 4 != 1;
}
