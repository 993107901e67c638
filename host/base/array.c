/* Crossing arrays; see array.h. */
#include "base/array.h"

#include <string.h>

void array_copy(bp_array array, uint32_t index, void *item, uint32_t item_size) {
  const char *element = (const char *)array.ptr + (size_t)index * array.stride;
  uint32_t known;
  memcpy(&known, element, sizeof(known));
  if (known > array.stride)
    known = array.stride;
  if (known > item_size)
    known = item_size;
  memset(item, 0, item_size);
  memcpy(item, element, known);
  memcpy(item, &known, sizeof(known));
}
