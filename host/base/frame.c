/* Shared immutable bytes; see frame.h. */
#include "base/frame.h"

#include <stdlib.h>

struct frame *frame_new(size_t len) {
  if (len > UINT32_MAX)
    return NULL;
  struct frame *f = malloc(sizeof(*f) + len);
  if (!f)
    return NULL;
  f->references = 1;
  f->len = (uint32_t)len;
  return f;
}

struct frame *frame_ref(struct frame *f) {
  f->references++;
  return f;
}

void frame_unref(struct frame *f) {
  if (f && --f->references == 0)
    free(f);
}
