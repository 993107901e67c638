/* Writing to many outlets at once: the same frames to each, or to each what waits for it. What is written, and what becomes of a
 * socket that does not take it, is just what outlet_send and outlet_flush would do. */
#ifndef HOST_LIVE_FANOUT_H
#define HOST_LIVE_FANOUT_H

#include "http/bulk.h"
#include "live/outlet.h"

#define FANOUT_MAX BULK_SENDS_MAX /* outlets in one call */

/* Frames for many. Kept for the time of a flush. */
struct fanout {
  struct frame *const *frames;
  uint32_t count;
  bp_str bytes;         /* of all frames; empty where they are too many to lie in one place */
  struct frame *joined; /* where they do */
};

/* For about `audience` outlets. */
void fanout_begin(struct fanout *f, struct frame *const *frames, uint32_t count, uint32_t audience);
void fanout_end(struct fanout *f);
/* True if all sockets took all of it, so that nothing waits. Calls nobody back. */
bool fanout_send(const struct fanout *f, struct outlet *const *outlets, uint32_t count);
/* Writes what waits on each; an outlet that a callback closes meanwhile is left alone. */
void fanout_flush(struct outlet *const *outlets, uint32_t count);

#endif
