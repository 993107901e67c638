/* Reading arrays that cross the plugin ABI: elements may be longer or shorter than this host knows them. */
#ifndef HOST_BASE_ARRAY_H
#define HOST_BASE_ARRAY_H

#include <backplane/base.h>
#include <stdbool.h>

/* Fills `item` (`item_size` bytes) with element `index`: zeroed, then min(item_size, stride, the element's own size member)
 * bytes copied; item->size is then what was copied: 0 where the array has no address. Elements of types without a size member (bp_str) are not for
 * this. */
void array_copy(bp_array array, uint32_t index, void *item, uint32_t item_size);

/* True if elements of `item_size` bytes can be read from it, or it has none. */
static inline bool array_holds(bp_array array, uint32_t item_size) {
  return array.count == 0 || (array.ptr && array.stride >= item_size);
}

/* array_item(routes, i, &route): element i, widened or cut to what this host knows. */
#define array_item(array, index, item) array_copy((array), (index), (item), (uint32_t)sizeof(*(item)))

#endif
