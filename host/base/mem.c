/* Allocation that must not fail; see mem.h. */
#include "base/mem.h"
#include "base/log.h"

#include <stdlib.h>

static void *checked(void *ptr) {
  if (!ptr) {
    log_error("host", "out of memory");
    abort();
  }
  return ptr;
}

void *mem_alloc(size_t bytes) {
  return checked(calloc(1, bytes ? bytes : 1));
}

void *mem_array(size_t count, size_t bytes) {
  return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *mem_resize(void *ptr, size_t bytes) {
  return checked(realloc(ptr, bytes ? bytes : 1));
}
