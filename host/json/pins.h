/* Tables of objects that never move: {slot, generation} handles that any thread may look up without a lock.
 *
 * Taking and giving back is locked. Looking up is not: chunks are only ever added, and a slot's generation moves on when it
 * is given back. Whoever uses an object does so one thread at a time (the contract of bp.json/1), so the object itself needs
 * no lock either. base/slots.h is the table for what lives on the main thread alone. */
#ifndef HOST_JSON_PINS_H
#define HOST_JSON_PINS_H

#include <backplane/base.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PINS_CHUNK 64u
#define PINS_CHUNKS 1024u /* with PINS_CHUNK: 65,536 slots, the 16 bits a handle has for them */

/* So many a plugin may hold once three quarters of the slots are taken: what one forgets to give back must not be missing to all. */
#define PINS_SHARE (PINS_CHUNKS * PINS_CHUNK / 4)

/* The first member of every object in a table. */
struct pin {
  _Atomic uint32_t generation; /* 24 bits, never 0 */
  uint32_t index;
  bp_plugin owner; /* 0: the host */
  bool is_taken;
  struct pin *next_free;
};

struct pins {
  size_t object_bytes;
  pthread_mutex_t lock;
  _Atomic(char *) chunks[PINS_CHUNKS];
  uint32_t chunk_count;
  uint32_t taken;
  struct pin *free_head;
};

#define PINS_INIT(type)                                                                                                                              \
  { .object_bytes = sizeof(type), .lock = PTHREAD_MUTEX_INITIALIZER }

/* A free object, zeroed when its slot is new and otherwise as it was given back; NULL at the limit, beyond the owner's share, or without
 * memory. */
void *pins_take(struct pins *table, bp_plugin owner);
/* Gives it back: its handles are stale from here on. */
void pins_give(struct pins *table, struct pin *pin);
/* The object behind a handle, or NULL when stale. Takes no lock. */
void *pins_find(struct pins *table, uint64_t handle);
/* The next object of `owner` that is still taken, or NULL. Start with *cursor = 0. */
void *pins_next(struct pins *table, bp_plugin owner, uint32_t *cursor);

/* Handle layout: slot 16 bits, generation 24, node 24. The node is the caller's own. */
#define PINS_NODE_MAX 0xFFFFFFu
uint64_t pins_handle(const struct pin *pin, uint32_t node);
static inline uint32_t pins_node(uint64_t handle) {
  return (uint32_t)(handle & PINS_NODE_MAX);
}

#endif
