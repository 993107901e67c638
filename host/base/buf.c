/* Growable byte buffer; see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct buf *b, size_t need) {
  if (b->failed)
    return false;
  if (need > SIZE_MAX / 2 - b->len) {
    b->failed = true;
    return false;
  }
  size_t wanted = b->len + need;
  if (wanted <= b->cap)
    return true;
  size_t cap = b->cap ? b->cap : 128;
  while (cap < wanted)
    cap *= 2;
  char *data = realloc(b->data, cap);
  if (!data) {
    b->failed = true;
    return false;
  }
  b->data = data;
  b->cap = cap;
  return true;
}

/* Without a call where there is room, as there nearly always is. */
static inline bool make_room(struct buf *b, size_t need) {
  return (!b->failed && need <= b->cap - b->len) || grow(b, need);
}

void buf_append(struct buf *b, const void *data, size_t len) {
  if (len == 0 || !make_room(b, len))
    return;
  memcpy(b->data + b->len, data, len);
  b->len += len;
}

void buf_append_str(struct buf *b, bp_str s) {
  buf_append(b, s.ptr, s.len);
}

void buf_append_z(struct buf *b, const char *z) {
  buf_append(b, z, strlen(z));
}

void buf_append_char(struct buf *b, char c) {
  if (make_room(b, 1))
    b->data[b->len++] = c;
}

void buf_append_u64(struct buf *b, uint64_t value) {
  char digits[20];
  size_t at = sizeof(digits);
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  buf_append(b, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0 || !grow(b, (size_t)len + 1)) {
    b->failed = true;
    return;
  }
  va_start(args, format);
  vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
  va_end(args);
  b->len += (size_t)len;
}

char *buf_reserve(struct buf *b, size_t len) {
  return make_room(b, len) ? b->data + b->len : NULL;
}

void buf_consume(struct buf *b, size_t len) {
  if (len >= b->len) {
    b->len = 0;
    return;
  }
  memmove(b->data, b->data + len, b->len - len);
  b->len -= len;
}

void buf_clear(struct buf *b) {
  b->len = 0;
  b->failed = false;
}

void buf_release(struct buf *b) {
  free(b->data);
  memset(b, 0, sizeof(*b));
}

bp_str buf_str(const struct buf *b) {
  return bp_str_make(b->data, b->len);
}
