/* The one allocator of sequence numbers, and the queue that keeps delivery in their order.
 *
 * Numbers are taken under one lock together with their place in the queue: a batch takes its place when its numbers are
 * taken and holds back everything behind it until it is finished, with its events or without. */
#ifndef HOST_LIVE_SEQUENCE_H
#define HOST_LIVE_SEQUENCE_H

#include "live/record.h"

/* Numbers begin above `last`. Drops what was queued. */
void sequence_start(uint64_t last);
/* Takes `count` numbers for a batch; returns the first. [any] */
uint64_t sequence_take(uint32_t count);
/* The batch that took [first, …) is over: its events (they carry their numbers, rising; the list is emptied). False if no
 * such batch is open; the events are then freed. [any] */
bool sequence_finish(uint64_t first, struct record_list *events);
/* Gives the record the next number and queues it. False when 8 MiB of such records wait; the record stays the caller's. [any] */
bool sequence_push(struct record *record);
/* Takes all events whose turn has come, in order. True if there are any. [any] */
bool sequence_release(struct record_list *ret);
/* The highest number taken so far. [any] */
uint64_t sequence_last(void);

#endif
