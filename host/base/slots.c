/* Handle table; see slots.h. */
#include "base/slots.h"

#include <stdlib.h>
#include <string.h>

static struct slot *find(const struct slots *table, uint64_t handle) {
  uint32_t index = (uint32_t)handle;
  uint32_t generation = (uint32_t)(handle >> 32);
  if (index >= table->count)
    return NULL;
  struct slot *slot = &table->items[index];
  return slot->object && slot->generation == generation ? slot : NULL;
}

static uint32_t extend(struct slots *table) {
  uint32_t count = table->count ? table->count * 2 : 16;
  if (count <= table->count)
    return 0;
  struct slot *items = realloc(table->items, (size_t)count * sizeof(*items));
  if (!items)
    return 0;
  memset(items + table->count, 0, (size_t)(count - table->count) * sizeof(*items));
  for (uint32_t i = count; i-- > table->count;) {
    items[i].generation = 1;
    items[i].next_free = table->free_head;
    table->free_head = i + 1;
  }
  table->items = items;
  table->count = count;
  return table->free_head;
}

uint64_t slots_add(struct slots *table, void *object) {
  uint32_t head = table->free_head ? table->free_head : extend(table);
  if (!head)
    return 0;
  struct slot *slot = &table->items[head - 1];
  table->free_head = slot->next_free;
  slot->object = object;
  table->live++;
  return ((uint64_t)slot->generation << 32) | (head - 1);
}

void *slots_get(const struct slots *table, uint64_t handle) {
  struct slot *slot = find(table, handle);
  return slot ? slot->object : NULL;
}

void *slots_remove(struct slots *table, uint64_t handle) {
  struct slot *slot = find(table, handle);
  if (!slot)
    return NULL;
  void *object = slot->object;
  slot->object = NULL;
  slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
  slot->next_free = table->free_head;
  table->free_head = (uint32_t)handle + 1;
  table->live--;
  return object;
}

void slots_release(struct slots *table) {
  free(table->items);
  memset(table, 0, sizeof(*table));
}
