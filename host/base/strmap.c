/* String map, open addressing with linear probing; see strmap.h. */
#include "base/strmap.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 32 bit: keys are the host's own choice. */
static uint32_t hash_of(bp_str key) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < key.len; i++)
    hash = (hash ^ (unsigned char)key.ptr[i]) * 16777619u;
  return hash;
}

static bool matches(const struct strmap_entry *entry, bp_str key, uint32_t hash) {
  return entry->hash == hash && str_eq(bp_str_make(entry->key, entry->key_len), key);
}

/* The entry of `key`, or the free one where it belongs. */
static struct strmap_entry *probe(const struct strmap *map, bp_str key, uint32_t hash) {
  uint32_t mask = map->capacity - 1;
  struct strmap_entry *removed = NULL;
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    struct strmap_entry *entry = &map->entries[i];
    if (!entry->key)
      return removed ? removed : entry;
    if (matches(entry, key, hash))
      return entry;
    if (!entry->value && !removed)
      removed = entry;
  }
}

static void rehash(struct strmap *map, uint32_t capacity) {
  struct strmap old = *map;
  map->entries = mem_array(capacity, sizeof(*map->entries));
  map->capacity = capacity;
  map->used = map->count;
  for (uint32_t i = 0; i < old.capacity; i++) {
    struct strmap_entry *from = &old.entries[i];
    if (from->value)
      *probe(map, bp_str_make(from->key, from->key_len), from->hash) = *from;
    else
      free(from->key);
  }
  free(old.entries);
}

void *strmap_get(const struct strmap *map, bp_str key) {
  if (map->capacity == 0)
    return NULL;
  return probe(map, key, hash_of(key))->value;
}

void *strmap_set(struct strmap *map, bp_str key, void *value) {
  if (map->used + 1 > map->capacity / 4 * 3)
    rehash(map, map->capacity == 0 ? 16 : map->count + 1 > map->capacity / 2 ? map->capacity * 2 : map->capacity);
  uint32_t hash = hash_of(key);
  struct strmap_entry *entry = probe(map, key, hash);
  if (entry->value) {
    void *before = entry->value;
    entry->value = value;
    return before;
  }
  if (!entry->key)
    map->used++;
  free(entry->key);
  entry->key = str_dupz(key);
  entry->key_len = (uint32_t)key.len;
  entry->hash = hash;
  entry->value = value;
  map->count++;
  return NULL;
}

void *strmap_remove(struct strmap *map, bp_str key) {
  if (map->capacity == 0)
    return NULL;
  struct strmap_entry *entry = probe(map, key, hash_of(key));
  void *before = entry->value;
  if (before) {
    entry->value = NULL;
    map->count--;
  }
  return before;
}

bool strmap_next(const struct strmap *map, uint32_t *cursor, bp_str *ret_key, void **ret_value) {
  for (; *cursor < map->capacity; (*cursor)++) {
    const struct strmap_entry *entry = &map->entries[*cursor];
    if (!entry->value)
      continue;
    *ret_key = bp_str_make(entry->key, entry->key_len);
    *ret_value = entry->value;
    (*cursor)++;
    return true;
  }
  return false;
}

void strmap_release(struct strmap *map) {
  for (uint32_t i = 0; i < map->capacity; i++)
    free(map->entries[i].key);
  free(map->entries);
  memset(map, 0, sizeof(*map));
}
