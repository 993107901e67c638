/* Eight bytes of a string at a time: whether JSON has them as they are. */
#ifndef HOST_JSON_PLAIN_H
#define HOST_JSON_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PLAIN_BLOCK 8u
#define PLAIN_EACH(byte) (0x0101010101010101u * (byte))

/* Whether eight bytes need no escape: none is below 0x20, a quote or a backslash; and none has a bit of `unwanted`. Exact for each test as a
 * whole: x - EACH(n) borrows into the high bit of a byte below n, and ~x keeps bytes of 0x80 and above out. */
static inline bool plain_block(const char *bytes, uint64_t unwanted) {
  uint64_t x;
  memcpy(&x, bytes, sizeof(x));
  uint64_t quotes = x ^ PLAIN_EACH((uint64_t)'"'), slashes = x ^ PLAIN_EACH((uint64_t)'\\');
  uint64_t hits = ((x - PLAIN_EACH(0x20u)) & ~x) | ((quotes - PLAIN_EACH(1u)) & ~quotes) | ((slashes - PLAIN_EACH(1u)) & ~slashes) | (x & unwanted);
  return (hits & PLAIN_EACH(0x80u)) == 0;
}

#endif
