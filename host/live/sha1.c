/* SHA-1 of a short text; see sha1.h. Names follow FIPS 180-4 section 6.1.2. */
#include "live/sha1.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_BYTES 64

static uint32_t rotl(uint32_t x, unsigned n) {
  return x << n | x >> (32 - n);
}

static uint32_t round_function(unsigned t, uint32_t b, uint32_t c, uint32_t d) {
  if (t < 20)
    return ((b & c) ^ (~b & d)) + 0x5a827999u;
  if (t < 40)
    return (b ^ c ^ d) + 0x6ed9eba1u;
  if (t < 60)
    return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdcu;
  return (b ^ c ^ d) + 0xca62c1d6u;
}

static void block(uint32_t hash[5], const unsigned char *bytes) {
  uint32_t w[80];
  for (unsigned t = 0; t < 16; t++)
    w[t] = (uint32_t)bytes[4 * t] << 24 | (uint32_t)bytes[4 * t + 1] << 16 | (uint32_t)bytes[4 * t + 2] << 8 | bytes[4 * t + 3];
  for (unsigned t = 16; t < 80; t++)
    w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
  for (unsigned t = 0; t < 80; t++) {
    uint32_t sum = rotl(a, 5) + round_function(t, b, c, d) + e + w[t];
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = sum;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

void sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES]) {
  assert(len <= SHA1_INPUT_MAX);
  unsigned char padded[2 * BLOCK_BYTES] = {0};
  size_t blocks = len + 9 > BLOCK_BYTES ? 2 : 1;
  memcpy(padded, data, len);
  padded[len] = 0x80;
  padded[blocks * BLOCK_BYTES - 2] = (unsigned char)(len * 8 >> 8);
  padded[blocks * BLOCK_BYTES - 1] = (unsigned char)(len * 8);
  uint32_t hash[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
  for (size_t i = 0; i < blocks; i++)
    block(hash, padded + i * BLOCK_BYTES);
  for (unsigned i = 0; i < SHA1_BYTES; i++)
    digest[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
}
