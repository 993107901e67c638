/* Base64; see base64.h. */
#include "base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(bp_str data, char *out) {
  for (size_t i = 0; i < data.len; i += 3) {
    size_t left = data.len - i;
    uint32_t bits = (uint32_t)(unsigned char)data.ptr[i] << 16;
    bits |= left > 1 ? (uint32_t)(unsigned char)data.ptr[i + 1] << 8 : 0;
    bits |= left > 2 ? (uint32_t)(unsigned char)data.ptr[i + 2] : 0;
    *out++ = alphabet[bits >> 18];
    *out++ = alphabet[bits >> 12 & 63];
    *out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
    *out++ = left > 2 ? alphabet[bits & 63] : '=';
  }
}

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(bp_str text, char *out, size_t *ret_len) {
  size_t len = text.len, written = 0;
  uint32_t bits = 0;
  unsigned count = 0;
  if (len > 0 && len % 4 == 0 && text.ptr[len - 1] == '=')
    len -= text.ptr[len - 2] == '=' ? 2 : 1;
  for (size_t i = 0; i < len; i++) {
    int value = value_of(text.ptr[i]);
    if (value < 0)
      return false;
    bits = bits << 6 | (uint32_t)value;
    if (++count % 4 != 1)
      out[written++] = (char)(bits >> (count % 4 == 2 ? 4 : count % 4 == 3 ? 2 : 0));
  }
  *ret_len = written;
  return count % 4 != 1;
}

void base64_id(char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char c = alphabet[(unsigned char)bytes[i] & 63];
    bytes[i] = c == '+' ? '-' : c == '/' ? '_' : c;
  }
}
