/* The frames that wait in an outlet: how many bytes there may be, and how they go. The outlet's own; nothing else includes it. */
#ifndef HOST_LIVE_WAITING_H
#define HOST_LIVE_WAITING_H

#include "live/outlet.h"

/* Of those waiting; `index` < count. */
struct frame *waiting_at(const struct outlet *o, uint32_t index);
/* Takes a reference. */
void waiting_push(struct outlet *o, struct frame *frame);
/* The peer took `sent` bytes of what waits. */
void waiting_advance(struct outlet *o, size_t sent);
void waiting_clear(struct outlet *o);

#endif
