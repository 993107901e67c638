/* Immutable bytes shared by reference count: one rendered frame that goes out to many clients. Main thread only. */
#ifndef HOST_BASE_FRAME_H
#define HOST_BASE_FRAME_H

#include <backplane/base.h>

struct frame {
  uint32_t references;
  uint32_t len;
  char data[];
};

/* A frame with one reference, or NULL without memory; the bytes are uninitialised. */
struct frame *frame_new(size_t len);
struct frame *frame_ref(struct frame *f);
/* NULL is fine. */
void frame_unref(struct frame *f);

#endif
