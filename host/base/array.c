/* Crossing arrays; see array.h. */
#include "base/array.h"

#include <string.h>

void array_copy(bp_array array, uint32_t index, void *item, uint32_t item_size) {
  uint32_t known;
  memset(item, 0, item_size);
  if (!array.ptr || array.stride < sizeof(known))
    return; /* no array: an element of size 0 */
  const char *element = (const char *)array.ptr + (size_t)index * array.stride;
  memcpy(&known, element, sizeof(known));
  if (known > array.stride)
    known = array.stride;
  if (known > item_size)
    known = item_size;
  memcpy(item, element, known);
  memcpy(item, &known, sizeof(known));
}
