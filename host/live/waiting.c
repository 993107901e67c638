/* Frames that wait for their socket; see waiting.h. */
#include "live/waiting.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static uint64_t beyond_bytes; /* waiting behind the frames in flight, all outlets */

struct frame *waiting_at(const struct outlet *o, uint32_t index) {
  return o->waiting[o->first + index];
}

static uint32_t beyond(const struct outlet *o) {
  return o->count ? o->bytes - waiting_at(o, 0)->len : 0;
}

static void waiting_grow(struct outlet *o) {
  if (o->capacity == 0) {
    o->capacity = 1;
    o->waiting = &o->only;
    return;
  }
  bool is_own = o->waiting == &o->only;
  o->capacity = is_own ? 4 : o->capacity * 2;
  o->waiting = mem_resize(is_own ? NULL : o->waiting, o->capacity * sizeof(struct frame *));
  if (is_own)
    o->waiting[0] = o->only;
}

void waiting_push(struct outlet *o, struct frame *frame) {
  beyond_bytes -= beyond(o);
  if (o->first + o->count == o->capacity && o->first > 0) {
    memmove(o->waiting, o->waiting + o->first, o->count * sizeof(struct frame *));
    o->first = 0;
  }
  if (o->count == o->capacity)
    waiting_grow(o);
  if (o->count == 0) {
    o->offset = 0;
    o->moved_s = outlet_clock_s();
  }
  o->waiting[o->first + o->count++] = frame_ref(frame);
  o->bytes += frame->len;
  beyond_bytes += beyond(o);
}

static void waiting_forget(struct outlet *o) {
  if (o->waiting != &o->only)
    free(o->waiting);
  o->waiting = NULL;
  o->first = o->count = o->capacity = o->offset = o->bytes = 0;
}

void waiting_clear(struct outlet *o) {
  beyond_bytes -= beyond(o);
  for (uint32_t i = 0; i < o->count; i++)
    frame_unref(waiting_at(o, i));
  waiting_forget(o);
}

void waiting_advance(struct outlet *o, size_t sent) {
  beyond_bytes -= beyond(o);
  while (o->count && sent >= waiting_at(o, 0)->len - o->offset) {
    struct frame *frame = waiting_at(o, 0);
    sent -= frame->len - o->offset;
    o->bytes -= frame->len;
    o->offset = 0;
    o->first++;
    o->count--;
    frame_unref(frame);
  }
  o->offset += (uint32_t)sent;
  if (o->count == 0)
    waiting_forget(o);
  beyond_bytes += beyond(o);
}

void outlet_drop_waiting(struct outlet *o) {
  if (o->offset == 0) {
    waiting_clear(o);
    return;
  }
  beyond_bytes -= beyond(o);
  for (uint32_t i = 1; i < o->count; i++)
    frame_unref(waiting_at(o, i));
  o->count = 1;
  o->bytes = waiting_at(o, 0)->len;
}

uint64_t outlet_buffered(const struct outlet *o) {
  return o->bytes - o->offset;
}

bool outlet_is_over_limit(const struct outlet *o) {
  return beyond(o) > OUTLET_BEYOND_MAX || (beyond_bytes > OUTLETS_TOTAL_MAX && beyond(o) > 0);
}
