/* Recent events; see ring.h. */
#include "live/ring.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static struct {
  struct record **events; /* RING_EVENTS_MAX places, made on the first record */
  uint32_t first, count;
  size_t bytes, limit_bytes;
  uint64_t floor;
} ring;

static struct record *at(uint32_t index) {
  return ring.events[(ring.first + index) & (RING_EVENTS_MAX - 1)];
}

static void evict(void (*evicted)(const struct record *record)) {
  struct record *record = at(0);
  ring.first++;
  ring.count--;
  ring.bytes -= record_bytes(record);
  ring.floor = record->sequence;
  if (evicted)
    evicted(record);
  record_free(record);
}

void ring_start(uint64_t floor, size_t limit_bytes) {
  ring_release();
  ring.floor = floor;
  ring.limit_bytes = limit_bytes;
}

void ring_release(void) {
  while (ring.count)
    evict(NULL);
  free(ring.events);
  memset(&ring, 0, sizeof(ring));
}

void ring_add(struct record *record, void (*evicted)(const struct record *record)) {
  if (!ring.events)
    ring.events = mem_array(RING_EVENTS_MAX, sizeof(*ring.events));
  while (ring.count && (ring.count == RING_EVENTS_MAX || ring.bytes + record_bytes(record) > ring.limit_bytes))
    evict(evicted);
  ring.events[(ring.first + ring.count) & (RING_EVENTS_MAX - 1)] = record;
  ring.count++;
  ring.bytes += record_bytes(record);
}

uint64_t ring_floor(void) {
  return ring.floor;
}

uint64_t ring_last(void) {
  return ring.count ? at(ring.count - 1)->sequence : ring.floor;
}

size_t ring_bytes(void) {
  return ring.bytes;
}

struct record *ring_after(uint64_t sequence) {
  uint32_t low = 0, high = ring.count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (at(middle)->sequence > sequence)
      high = middle;
    else
      low = middle + 1;
  }
  return low < ring.count ? at(low) : NULL;
}
