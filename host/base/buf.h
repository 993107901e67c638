/* A growable byte buffer. A failed allocation is remembered: later appends do nothing and `failed` stays set, so a caller
 * checks once at the end. */
#ifndef HOST_BASE_BUF_H
#define HOST_BASE_BUF_H

#include <backplane/base.h>
#include <stdbool.h>

struct buf {
  char *data;
  size_t len;
  size_t cap;
  bool failed;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_str(struct buf *b, bp_str s);
void buf_append_z(struct buf *b, const char *z);
void buf_append_char(struct buf *b, char c);
void buf_append_u64(struct buf *b, uint64_t value);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `len` more bytes; returns where to write them (then add to len), or NULL. */
char *buf_reserve(struct buf *b, size_t len);
/* Drops the first `len` bytes. */
void buf_consume(struct buf *b, size_t len);
/* Empties it; memory is kept. */
void buf_clear(struct buf *b);
/* Frees the memory; the struct is ready for reuse. */
void buf_release(struct buf *b);
bp_str buf_str(const struct buf *b);

#endif
