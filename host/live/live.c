/* The live log's heart: what has been committed or published is put in order, kept, rendered and sent, once a tick.
 *
 * The parts: sequence (order), ring (memory), topics, view (rendering), subscriber (clients), subscription (plugins),
 * cursor (reading on from a position), outlet (writing), ws and clients (connections). */
#include "live/live.h"

#include "base/log.h"
#include "live/clients.h"
#include "live/cursor.h"
#include "live/ring.h"
#include "live/sequence.h"
#include "live/subscription.h"
#include "live/wake.h"
#include "live/ws.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdatomic.h>

#define RESTART_GAP (1u << 20) /* numbers that ephemeral events may have used since the last stored one */
#define ROUND_EVENTS 256u      /* rendered before they are sent, so that a long queue stays bounded */
#define ROUND_BYTES (256u << 10)
#define STOP_POLL_MS 20
#define STOP_POLLS 150

static void flush(void *arg);

static struct {
  struct loop_hook hook;
  atomic_bool is_posted;
  uint64_t events;
  struct event *stop_timer;
  unsigned stop_polls;
  void (*stop_done)(void *arg);
  void *stop_arg;
} live = {.hook = {.fn = flush}};

bool live_init(void) {
  ring_start(0, RING_BYTES_DEFAULT);
  sequence_start(0);
  return true;
}

void live_release(void) {
  outlets_release();
  loop_tick_forget(&live.hook);
  sequence_start(0);
  subscriptions_release();
  views_release();
  topics_release();
  ring_release();
  ws_reader_cleanup();
}

bp_status live_add(struct plugin *owner, const bp_array *topics, bp_error *err) {
  return topics_add(owner, topics, ring_floor(), err);
}

void live_remove(struct plugin *owner) {
  topics_remove(owner);
}

bp_status live_topic_check(const struct plugin *owner, bp_str topic, uint32_t kind) {
  return topics_check(owner->handle, topic, kind);
}

/* ---- Order ---- */

/* Ephemeral events of the last run are not stored, but clients may hold their numbers: those are not used again. */
void live_sequence_start(uint64_t last) {
  uint64_t start = last ? last + RESTART_GAP : 0;
  sequence_start(start);
  ring_start(start, RING_BYTES_DEFAULT);
  cursor_start(last, start);
}

uint64_t live_sequence_take(uint32_t count) {
  return sequence_take(count);
}

static void wake_posted(void *arg) {
  (void)arg;
  atomic_store(&live.is_posted, false);
  loop_tick_end(&live.hook);
}

void live_wake(void) {
  if (loop_is_main())
    loop_tick_end(&live.hook);
  else if (!atomic_exchange(&live.is_posted, true))
    loop_post(wake_posted, NULL);
}

static struct record *record_of(const struct live_row *row) {
  struct record *record = record_new(row->topic, row->key, row->payload);
  if (!record) {
    log_error("live", "no memory for event %llu: clients get it when they read the log again", (unsigned long long)row->sequence);
    return NULL;
  }
  record->sequence = row->sequence;
  record->time_ns = row->time_ns;
  return record;
}

void live_deliver(uint64_t first, uint32_t count, const struct live_row *rows, uint32_t row_count) {
  LOOP_MAIN();
  struct record_list list = {0};
  for (uint32_t i = 0; i < row_count; i++) {
    struct record *record = record_of(&rows[i]);
    if (record)
      record_list_add(&list, record);
  }
  if (count > 0 && !sequence_finish(first, &list))
    log_error("live", "batch %llu was delivered but never taken", (unsigned long long)first);
  live_wake();
}

/* ---- The flush ---- */

static void on_evicted(const struct record *record) {
  if (record->is_ephemeral)
    topics_lost(record_topic(record), record->sequence);
}

static void send_round(void) {
  views_flush(subscribers_send);
}

static void deliver(struct record_list *list) {
  size_t bytes = 0;
  uint32_t events = 0;
  for (struct record *record; (record = record_list_take(list));) {
    ring_add(record, on_evicted);
    live.events++;
    subscriptions_deliver(record);
    bytes += views_collect(record);
    if (++events % ROUND_EVENTS != 0 && bytes < ROUND_BYTES)
      continue;
    send_round();
    bytes = 0;
  }
  send_round();
}

/* What callbacks publish meanwhile has its turn in the next flush. */
static void flush(void *arg) {
  (void)arg;
  struct record_list list;
  if (sequence_release(&list))
    deliver(&list);
  subscribers_flushed();
  subscriptions_flushed();
  views_forget();
}

/* ---- Stopping ---- */

static void stop_poll(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  if (outlets_count() > 0 && ++live.stop_polls < STOP_POLLS)
    return;
  outlets_abort();
  event_free(live.stop_timer);
  live.stop_timer = NULL;
  live.stop_done(live.stop_arg);
}

void live_stop(void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  const struct timeval interval = {.tv_usec = STOP_POLL_MS * 1000};
  live.stop_done = done;
  live.stop_arg = arg;
  live.stop_polls = 0;
  outlets_stop();
  live.stop_timer = event_new(loop_base(), -1, EV_PERSIST, stop_poll, NULL);
  if (live.stop_timer && event_add(live.stop_timer, &interval) == 0)
    return;
  outlets_abort();
  done(arg);
}

void live_counters(struct live_counters *ret) {
  *ret = (struct live_counters){.events = live.events,
                                .frames = view_counts.frames,
                                .deliveries = subscriber_counts.deliveries,
                                .cut = subscriber_counts.cut,
                                .resyncs = cursor_resyncs,
                                .websockets = ws_count(),
                                .sse = clients_sse_count(),
                                .subscriptions = subscriptions_count(),
                                .ring_bytes = ring_bytes()};
}
