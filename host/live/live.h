/* The live log in memory: order, ring, subscribers. Rows on disk are host/store's.
 *
 * Order: durable events get their sequence on the writer thread (live_sequence_take) and are delivered after their commit;
 * an ephemeral event published meanwhile waits until all lower numbers are delivered or given up. */
#ifndef HOST_LIVE_LIVE_H
#define HOST_LIVE_LIVE_H

#include <backplane/live.h>
#include <stdbool.h>

struct plugin;
struct live_row;
struct http_exchange;

bool live_init(void);
void live_release(void);
/* Topics of a plugin. */
bp_status live_add(struct plugin *owner, const bp_array *topics, bp_error *err);
void live_remove(struct plugin *owner);
/* BP_OK if `topic` is declared by the plugin with that kind. */
bp_status live_topic_check(const struct plugin *owner, bp_str topic, uint32_t kind);

/* The next number must be above everything stored: set once at start. */
void live_sequence_start(uint64_t last);
/* `count` numbers for a batch that is about to commit; returns the first. Writer thread. */
uint64_t live_sequence_take(uint32_t count);
/* The batch that took [first, first + count) is over: rows (NULL, 0 rows when the commit failed) are delivered now. Main. */
void live_deliver(uint64_t first, uint32_t count, const struct live_row *rows, uint32_t row_count);

/* The host's own SSE route: GET /api/backplane/live?topics=&from= */
void live_serve_host_sse(struct http_exchange *x, bp_str topics, uint64_t from);

/* Graceful stop: 1001 to WebSockets, end to SSE, then `done`. */
void live_stop(void (*done)(void *arg), void *arg);

struct live_counters {
  uint64_t events, frames, deliveries, cut, resyncs;
  uint32_t websockets, sse, subscriptions;
  uint64_t ring_bytes;
};
void live_counters(struct live_counters *ret);

#endif
