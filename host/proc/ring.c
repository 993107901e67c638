/* A ring of bytes; see ring.h. */
#include "proc/ring.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BYTES 4096u
#define MOST_BYTES (1u << 20)
#define ALL_BYTES (64u << 20)

static size_t all_rings_bytes;

static void copy_out(const struct tail_ring *ring, char *to) {
  size_t first = ring->capacity - ring->start;
  if (first > ring->len)
    first = ring->len;
  if (first)
    memcpy(to, ring->data + ring->start, first);
  if (ring->len > first)
    memcpy(to + first, ring->data, ring->len - first);
}

static void grow(struct tail_ring *ring, size_t wanted) {
  size_t capacity = ring->capacity ? ring->capacity : LEAST_BYTES;
  while (capacity < wanted && capacity < MOST_BYTES)
    capacity *= 2;
  size_t more = capacity - ring->capacity;
  if (more == 0 || more > ALL_BYTES - all_rings_bytes)
    return;
  char *data = malloc(capacity);
  if (!data)
    return;
  copy_out(ring, data);
  free(ring->data);
  all_rings_bytes += more;
  ring->data = data;
  ring->capacity = capacity;
  ring->start = 0;
}

void tail_ring_add(struct tail_ring *ring, bp_str text) {
  if (ring->len + text.len > ring->capacity)
    grow(ring, ring->len + text.len);
  if (text.len > ring->capacity)
    text = bp_str_make(text.ptr + (text.len - ring->capacity), ring->capacity);
  if (text.len == 0)
    return;
  size_t over = ring->len + text.len > ring->capacity ? ring->len + text.len - ring->capacity : 0;
  ring->start = (ring->start + over) & (ring->capacity - 1);
  ring->len -= over;
  size_t at = (ring->start + ring->len) & (ring->capacity - 1);
  size_t first = ring->capacity - at < text.len ? ring->capacity - at : text.len;
  memcpy(ring->data + at, text.ptr, first);
  memcpy(ring->data, text.ptr + first, text.len - first);
  ring->len += text.len;
}

void tail_ring_read(const struct tail_ring *ring, uint32_t lines, struct buf *out) {
  buf_clear(out);
  char *room = buf_reserve(out, ring->len);
  if (ring->len == 0 || !room)
    return;
  copy_out(ring, room);
  size_t from = ring->len;
  for (uint32_t found = 0; from > 0; from--)
    if (room[from - 1] == '\n' && from < ring->len && ++found == lines)
      break;
  out->len = ring->len;
  buf_consume(out, lines ? from : ring->len);
}

void tail_ring_release(struct tail_ring *ring) {
  all_rings_bytes -= ring->capacity;
  free(ring->data);
  *ring = (struct tail_ring){0};
}
