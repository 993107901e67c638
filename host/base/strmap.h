/* A hash map from byte strings to pointers. Keys are copied. Seeded hash (SipHash-like strength is not needed for keys the
 * host chooses; client-chosen keys never enter one). */
#ifndef HOST_BASE_STRMAP_H
#define HOST_BASE_STRMAP_H

#include <backplane/base.h>
#include <stdbool.h>

struct strmap_entry {
  char *key;
  uint32_t key_len;
  uint32_t hash;
  void *value; /* NULL: empty or removed */
};

struct strmap {
  struct strmap_entry *entries;
  uint32_t capacity; /* a power of two, or 0 */
  uint32_t used;     /* entries ever filled */
  uint32_t count;
};

void *strmap_get(const struct strmap *map, bp_str key);
/* Sets (value not NULL) and returns the value that was there, or NULL. */
void *strmap_set(struct strmap *map, bp_str key, void *value);
void *strmap_remove(struct strmap *map, bp_str key);
/* Walks in no order: start with *cursor = 0; false at the end. */
bool strmap_next(const struct strmap *map, uint32_t *cursor, bp_str *ret_key, void **ret_value);
/* Frees the map, not the values. */
void strmap_release(struct strmap *map);

#endif
