/* The last output of a child: whole text, oldest overwritten first. It grows as it is filled, to 1 MiB; all rings together
 * take 64 MiB at most, and from there on each keeps what it has. Main thread. */
#ifndef HOST_PROC_RING_H
#define HOST_PROC_RING_H

#include "base/buf.h"
#include <backplane/base.h>

struct tail_ring {
  char *data;
  size_t capacity; /* a power of two, or 0 */
  size_t start, len;
};

void tail_ring_add(struct tail_ring *ring, bp_str text);
/* Replaces `out` by the last `lines` lines, each with its end. */
void tail_ring_read(const struct tail_ring *ring, uint32_t lines, struct buf *out);
void tail_ring_release(struct tail_ring *ring);

#endif
