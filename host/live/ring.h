/* Recent events in memory, oldest first, bounded by bytes and count. Main thread only.
 *
 * The floor is the highest number the ring no longer vouches for: every delivered record above it is in the ring. */
#ifndef HOST_LIVE_RING_H
#define HOST_LIVE_RING_H

#include "live/record.h"

#define RING_BYTES_DEFAULT (1u << 20)
#define RING_EVENTS_MAX 8192u /* a power of two */

void ring_start(uint64_t floor, size_t limit_bytes);
void ring_release(void);
/* Takes the record. What no longer fits is evicted; `evicted` (may be NULL) sees each before it is freed. The newest record
 * always stays, whatever its size. */
void ring_add(struct record *record, void (*evicted)(const struct record *record));
uint64_t ring_floor(void);
/* The sequence of the newest record, or the floor. */
uint64_t ring_last(void);
size_t ring_bytes(void);
/* The first record above `sequence`, or NULL. */
struct record *ring_after(uint64_t sequence);

#endif
