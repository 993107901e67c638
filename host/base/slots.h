/* A table of {slot, generation} handles: the only way a plugin ever refers to a host object.
 *
 * Handle layout: generation in the high 32 bits (never 0), slot index in the low 32. A released slot's generation moves on, so
 * an old handle finds nothing. Not thread-safe; a table shared between threads is guarded by its owner. */
#ifndef HOST_BASE_SLOTS_H
#define HOST_BASE_SLOTS_H

#include <stdint.h>

struct slot {
  void *object;        /* NULL while free */
  uint32_t generation; /* of the current or next object */
  uint32_t next_free;
};

struct slots {
  struct slot *items;
  uint32_t count;
  uint32_t free_head; /* index + 1, 0 for none */
  uint32_t live;
};

/* A new handle for `object` (not NULL); 0 without memory. */
uint64_t slots_add(struct slots *table, void *object);
/* The object, or NULL for a stale, foreign or zero handle. */
void *slots_get(const struct slots *table, uint64_t handle);
/* Frees the handle and returns its object, or NULL if it was stale. */
void *slots_remove(struct slots *table, uint64_t handle);
void slots_release(struct slots *table);

#endif
