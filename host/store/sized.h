/* Reading elements of a bp_array that may be shorter or longer than this host's struct (base.h, rule of sizes). */
#ifndef HOST_STORE_SIZED_H
#define HOST_STORE_SIZED_H

#include <backplane/base.h>
#include <stdbool.h>
#include <string.h>

/* Copies element `index` into the zeroed `ret`. False if its size member contradicts the stride, or the array has no address. */
static inline bool sized_read(const bp_array *array, uint32_t index, void *ret, size_t ret_bytes) {
  uint32_t size;
  memset(ret, 0, ret_bytes);
  if (!array->ptr || array->stride < sizeof(size))
    return false;
  const char *element = (const char *)array->ptr + (size_t)index * array->stride;
  memcpy(&size, element, sizeof(size));
  if (size < sizeof(size) || size > array->stride)
    return false;
  memcpy(ret, element, size < ret_bytes ? size : ret_bytes);
  return true;
}

#endif
