/* The chunked decoder; see chunked.h. Framing goes byte by byte, data in whole slices. */
#include "http/chunked.h"
#include "base/hex.h"
#include "http/chars.h"
#include "http/limits.h"

#include <stdbool.h>

#define SIZE_DIGITS_MAX 16
#define EXTENSION_BYTES_MAX 256

static bool go(struct chunked *c, enum chunk_state state) {
  c->state = (uint8_t)state;
  return true;
}

static bool read_size(struct chunked *c, char byte) {
  int digit = hex_value(byte);
  if (digit >= 0) {
    if (++c->digits > SIZE_DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4)
      return false;
    c->left = c->left << 4 | (uint64_t)digit;
    return true;
  }
  if (c->digits == 0)
    return false;
  if (byte == ';')
    return go(c, CHUNK_EXTENSION);
  return byte == '\r' && go(c, CHUNK_SIZE_LF);
}

static bool read_extension(struct chunked *c, char byte) {
  if (byte == '\r')
    return go(c, CHUNK_SIZE_LF);
  return char_is(byte, CHAR_VALUE) && ++c->extension_bytes <= EXTENSION_BYTES_MAX;
}

static bool end_size(struct chunked *c, char byte) {
  c->digits = 0;
  c->extension_bytes = 0;
  return byte == '\n' && go(c, c->left ? CHUNK_BODY : CHUNK_TRAILER);
}

static bool read_trailer(struct chunked *c, char byte) {
  c->line_bytes = 0;
  if (byte == '\r')
    return go(c, CHUNK_LAST_LF);
  return char_is(byte, CHAR_TOKEN) && ++c->trailer_count <= http_limits.trailer_count && go(c, CHUNK_TRAILER_NAME);
}

static bool read_trailer_name(struct chunked *c, char byte) {
  return byte == ':' ? go(c, CHUNK_TRAILER_VALUE) : char_is(byte, CHAR_TOKEN);
}

static bool read_trailer_value(struct chunked *c, char byte) {
  return byte == '\r' ? go(c, CHUNK_TRAILER_LF) : char_is(byte, CHAR_VALUE);
}

static bool fits(struct chunked *c) {
  return ++c->line_bytes <= http_limits.header_line_bytes && ++c->trailer_bytes <= http_limits.header_total_bytes;
}

/* One byte of framing; never called in CHUNK_BODY. */
static bool step(struct chunked *c, char byte) {
  switch ((enum chunk_state)c->state) {
  case CHUNK_SIZE:
    return read_size(c, byte);
  case CHUNK_EXTENSION:
    return read_extension(c, byte);
  case CHUNK_SIZE_LF:
    return end_size(c, byte);
  case CHUNK_BODY:
    return false;
  case CHUNK_BODY_CR:
    return byte == '\r' && go(c, CHUNK_BODY_LF);
  case CHUNK_BODY_LF:
    return byte == '\n' && go(c, CHUNK_SIZE);
  case CHUNK_TRAILER:
    return read_trailer(c, byte);
  case CHUNK_TRAILER_NAME:
    return fits(c) && read_trailer_name(c, byte);
  case CHUNK_TRAILER_VALUE:
    return fits(c) && read_trailer_value(c, byte);
  case CHUNK_TRAILER_LF:
    return byte == '\n' && go(c, CHUNK_TRAILER);
  case CHUNK_LAST_LF:
    return byte == '\n';
  }
  return false;
}

static bp_str take_data(struct chunked *c, bp_str bytes, size_t at) {
  size_t len = bytes.len - at;
  if (len > c->left)
    len = (size_t)c->left;
  c->left -= len;
  if (c->left == 0)
    go(c, CHUNK_BODY_CR);
  return bp_str_make(bytes.ptr + at, len);
}

enum chunk_result chunked_read(struct chunked *c, bp_str bytes, size_t *ret_used, bp_str *ret_data) {
  for (size_t at = 0; at < bytes.len; at++) {
    if (c->state == CHUNK_BODY) {
      *ret_data = take_data(c, bytes, at);
      *ret_used = at + ret_data->len;
      return CHUNK_DATA;
    }
    bool is_last = c->state == CHUNK_LAST_LF;
    if (!step(c, bytes.ptr[at])) {
      *ret_used = at;
      return CHUNK_ERROR;
    }
    if (is_last) {
      *ret_used = at + 1;
      return CHUNK_END;
    }
  }
  *ret_used = bytes.len;
  return CHUNK_MORE;
}

uint64_t chunked_announced(const struct chunked *c) {
  return c->state == CHUNK_BODY ? c->left : 0;
}
