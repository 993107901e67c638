/* A position in the log that reads forward from it: durable history in pages from the store, then the ring, without a gap
 * and without doubling, until nothing is left before "now". Main thread only.
 *
 * Why the join holds: the ring has every delivered event above its floor. Rows from the store count only up to the floor;
 * a page that is the last one is complete up to what had been delivered when it was asked for, because batches commit in
 * the order of their numbers. So the position reaches the floor, and from there the ring goes on. */
#ifndef HOST_LIVE_CURSOR_H
#define HOST_LIVE_CURSOR_H

#include "live/record.h"
#include "live/topics.h"
#include "store/store.h"

struct cursor;

/* `record` and `row` take one event and return true for more, or false for "enough for now". */
struct cursor_owner {
  bool (*record)(void *ctx, const struct record *record);
  bool (*row)(void *ctx, const bp_live_event *event); /* from the store, or a resync */
  void (*ready)(void *ctx);                           /* a page has been handed out: cursor_run when there is room */
};

enum cursor_state {
  CURSOR_AT_END,  /* go on with the live events */
  CURSOR_WAITING, /* for a page: `ready` follows */
  CURSOR_FULL,    /* the owner had enough: call again */
  CURSOR_AHEAD    /* beyond what is delivered: call again after the next flush */
};

/* Where pages come from: store_live_read, unless a test puts its own here. */
typedef void (*cursor_history_fn)(const bp_str *topics, uint32_t topic_count, bp_str key, uint64_t from, uint32_t limit, store_live_fn done,
                                  void *ctx);
extern cursor_history_fn cursor_history;

/* Nothing in (stored, start] was or will be stored: the numbers between two runs of the host. */
void cursor_start(uint64_t stored, uint64_t start);

/* Filter names and key must stay valid as long as the cursor. */
struct cursor *cursor_new(struct filter filter, bp_str key, uint64_t from, const struct cursor_owner *owner, void *ctx);
enum cursor_state cursor_run(struct cursor *cursor);
/* Frees it, now or when the store has answered; the owner is not called any more. NULL is fine. */
void cursor_drop(struct cursor *cursor);

extern uint64_t cursor_resyncs; /* told so far */

#endif
