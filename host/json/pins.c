/* Handle tables readable from any thread; see pins.h. */
#include "json/pins.h"

#include <stdlib.h>

#define GENERATION_MAX 0xFFFFFFu

static struct pin *pin_at(const struct pins *table, char *chunk, uint32_t within) {
  return (struct pin *)(void *)(chunk + (size_t)within * table->object_bytes);
}

static bool extend(struct pins *table) {
  if (table->chunk_count == PINS_CHUNKS)
    return false;
  char *chunk = calloc(PINS_CHUNK, table->object_bytes);
  if (!chunk)
    return false;
  for (uint32_t i = PINS_CHUNK; i-- > 0;) {
    struct pin *pin = pin_at(table, chunk, i);
    atomic_store_explicit(&pin->generation, 1, memory_order_relaxed);
    pin->index = table->chunk_count * PINS_CHUNK + i;
    pin->next_free = table->free_head;
    table->free_head = pin;
  }
  atomic_store_explicit(&table->chunks[table->chunk_count++], chunk, memory_order_release);
  return true;
}

static struct pin *pin_of(const struct pins *table, uint32_t index) {
  return pin_at(table, atomic_load_explicit(&table->chunks[index / PINS_CHUNK], memory_order_relaxed), index % PINS_CHUNK);
}

/* Counted only when it matters: the walk costs what the table is long. */
static bool has_share(const struct pins *table, bp_plugin owner) {
  uint32_t own = 0;
  if (owner == 0 || table->taken < PINS_CHUNKS * PINS_CHUNK - PINS_SHARE)
    return true;
  for (uint32_t i = 0; i < table->chunk_count * PINS_CHUNK; i++)
    own += pin_of(table, i)->is_taken && pin_of(table, i)->owner == owner;
  return own < PINS_SHARE;
}

void *pins_take(struct pins *table, bp_plugin owner) {
  struct pin *pin = NULL;
  pthread_mutex_lock(&table->lock);
  if (has_share(table, owner) && (table->free_head || extend(table)))
    pin = table->free_head;
  if (pin) {
    table->free_head = pin->next_free;
    table->taken++;
    pin->owner = owner;
    pin->is_taken = true;
  }
  pthread_mutex_unlock(&table->lock);
  return pin;
}

void pins_give(struct pins *table, struct pin *pin) {
  pthread_mutex_lock(&table->lock);
  uint32_t generation = atomic_load_explicit(&pin->generation, memory_order_relaxed);
  atomic_store_explicit(&pin->generation, generation == GENERATION_MAX ? 1 : generation + 1, memory_order_relaxed);
  pin->is_taken = false;
  table->taken--;
  pin->next_free = table->free_head;
  table->free_head = pin;
  pthread_mutex_unlock(&table->lock);
}

void *pins_find(struct pins *table, uint64_t handle) {
  uint32_t index = (uint32_t)(handle >> 48);
  uint32_t generation = (uint32_t)(handle >> 24) & GENERATION_MAX;
  char *chunk = atomic_load_explicit(&table->chunks[index / PINS_CHUNK], memory_order_acquire);
  if (!chunk)
    return NULL;
  struct pin *pin = pin_at(table, chunk, index % PINS_CHUNK);
  return atomic_load_explicit(&pin->generation, memory_order_relaxed) == generation ? pin : NULL;
}

void *pins_next(struct pins *table, bp_plugin owner, uint32_t *cursor) {
  struct pin *found = NULL;
  pthread_mutex_lock(&table->lock);
  while (*cursor < table->chunk_count * PINS_CHUNK && !found) {
    uint32_t index = (*cursor)++;
    struct pin *pin = pin_of(table, index);
    if (pin->is_taken && pin->owner == owner)
      found = pin;
  }
  pthread_mutex_unlock(&table->lock);
  return found;
}

uint64_t pins_handle(const struct pin *pin, uint32_t node) {
  uint64_t generation = atomic_load_explicit(&pin->generation, memory_order_relaxed);
  return ((uint64_t)pin->index << 48) | (generation << 24) | node;
}
