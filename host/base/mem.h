/* Allocation for things whose size the host itself decides: these abort with a message when memory is gone. Anything sized
 * by a client uses malloc and answers 503. */
#ifndef HOST_BASE_MEM_H
#define HOST_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);               /* zeroed */
void *mem_array(size_t count, size_t bytes); /* zeroed, overflow-checked */
void *mem_resize(void *ptr, size_t bytes);

#endif
