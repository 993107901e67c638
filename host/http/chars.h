/* Classes of bytes in HTTP/1.1 (RFC 9110 section 5.6, RFC 3986). */
#ifndef HOST_HTTP_CHARS_H
#define HOST_HTTP_CHARS_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

#define CHAR_TOKEN 1u  /* tchar */
#define CHAR_VALUE 2u  /* of a field value: HTAB, SP, VCHAR, obs-text */
#define CHAR_TARGET 4u /* of a request target: visible ASCII without '#' */
#define CHAR_HOST 8u   /* of a registered name or IPv4 address */

extern const uint8_t char_classes[256];

static inline bool char_is(char c, unsigned classes) {
  return char_classes[(unsigned char)c] & classes;
}

/* A token (RFC 9110 section 5.6.2): at least one tchar, and nothing else. */
static inline bool char_is_token(bp_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!char_is(s.ptr[i], CHAR_TOKEN))
      return false;
  return s.len > 0;
}

#endif
