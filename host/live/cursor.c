/* Reading the log from a position; see cursor.h. */
#include "live/cursor.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/ring.h"
#include "live/sequence.h"

#include <stdlib.h>

#define PAGE_ROWS_MAX 256u
#define READS_MAX 8u /* pages asked for at once: a crowd that comes back must not fill the store's queue, nor memory */

struct cursor {
  struct cursor *next_waiting; /* among those whose read has not begun */
  struct filter filter;
  bp_str key;
  const struct cursor_owner *owner;
  void *ctx;
  uint64_t at;           /* everything up to here is done */
  uint64_t told_through; /* a resync was sent for losses up to here */
  uint64_t known;        /* what had been delivered when the page was asked for */
  uint32_t page_rows;    /* grows while whole pages are taken */
  bool is_reading;       /* the store has yet to answer */
  bool is_running;       /* the owner may be in a callback of ours */
  bool is_dropped;
};

uint64_t cursor_resyncs;
cursor_history_fn cursor_history = store_live_read;

static uint64_t last_stored, first_start;
static struct cursor *first_waiting, *last_waiting;
static uint32_t reads_running;

void cursor_start(uint64_t stored, uint64_t start) {
  last_stored = stored;
  first_start = start;
}

struct cursor *cursor_new(struct filter filter, bp_str key, uint64_t from, const struct cursor_owner *owner, void *ctx) {
  struct cursor *cursor = mem_alloc(sizeof(*cursor));
  cursor->filter = filter;
  cursor->key = key;
  cursor->at = from;
  cursor->owner = owner;
  cursor->ctx = ctx;
  cursor->page_rows = 32;
  return cursor;
}

void cursor_drop(struct cursor *cursor) {
  if (cursor && (cursor->is_reading || cursor->is_running))
    cursor->is_dropped = true;
  else
    free(cursor);
}

static bool tell_resync(struct cursor *cursor, uint64_t at) {
  cursor->at = at;
  cursor_resyncs++;
  bp_live_event event = record_public_resync(at);
  return cursor->owner->row(cursor->ctx, &event) && !cursor->is_dropped;
}

/* ---- From the store ---- */

/* Hands out rows up to the ring's floor. Returns how many were taken; *ret_full: the owner had enough, *ret_beyond: a row
 * above the floor was seen, so nothing below it is missing. */
static uint32_t take_rows(struct cursor *cursor, const struct live_row *rows, uint32_t count, bool *ret_full, bool *ret_beyond) {
  uint64_t floor = ring_floor();
  uint32_t i = 0;
  for (; i < count && !*ret_full; i++) {
    if (rows[i].sequence > floor) {
      *ret_beyond = true;
      break;
    }
    cursor->at = rows[i].sequence;
    bp_live_event event = record_public_row(&rows[i]);
    *ret_full = !cursor->owner->row(cursor->ctx, &event);
  }
  return i;
}

static void take_page(struct cursor *cursor, const struct live_row *rows, uint32_t count, bool more) {
  bool is_full = false, is_beyond = false;
  uint32_t taken = take_rows(cursor, rows, count, &is_full, &is_beyond);
  uint64_t floor = ring_floor();
  uint64_t complete = is_beyond || cursor->known > floor ? floor : cursor->known;
  if (is_full && taken < count) {
    cursor->page_rows = taken ? taken : 1;
    return;
  }
  if (cursor->page_rows < PAGE_ROWS_MAX)
    cursor->page_rows *= 2;
  if ((is_beyond || !more) && complete > cursor->at)
    cursor->at = complete;
}

static void hand_out(struct cursor *cursor, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest) {
  if (status != BP_OK) {
    log_warn("live", "reading the log after %llu failed with status %d: its reader is told to resync", (unsigned long long)cursor->at, (int)status);
    tell_resync(cursor, ring_floor());
    return;
  }
  if (cursor->at > 0 && oldest > cursor->at + 1)
    tell_resync(cursor, oldest - 1);
  take_page(cursor, rows, count, more);
}

static void finish_page(struct cursor *cursor, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest) {
  cursor->is_reading = false;
  if (!cursor->is_dropped) {
    cursor->is_running = true;
    hand_out(cursor, status, rows, count, more, oldest);
    cursor->is_running = false;
  }
  if (cursor->is_dropped)
    free(cursor);
  else
    cursor->owner->ready(cursor->ctx);
}

static void begin_reads(void);

static void on_page(void *ctx, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest) {
  reads_running--;
  finish_page(ctx, status, rows, count, more, oldest);
  begin_reads();
}

static void begin_reads(void) {
  while (first_waiting && reads_running < READS_MAX) {
    struct cursor *cursor = first_waiting;
    first_waiting = cursor->next_waiting;
    if (cursor->is_dropped) {
      free(cursor);
      continue;
    }
    cursor->known = ring_last();
    reads_running++;
    cursor_history(cursor->filter.names, cursor->filter.count, cursor->key, cursor->at, cursor->page_rows, on_page, cursor);
  }
}

static enum cursor_state read_page(struct cursor *cursor) {
  cursor->is_reading = true;
  cursor->next_waiting = NULL;
  if (first_waiting)
    last_waiting->next_waiting = cursor;
  else
    first_waiting = cursor;
  last_waiting = cursor;
  begin_reads();
  return CURSOR_WAITING;
}

/* ---- From the ring ---- */

static bool takes(const struct cursor *cursor, const struct record *record) {
  return (cursor->key.len == 0 || str_eq(cursor->key, record_key(record))) && filter_matches(cursor->filter, record_topic(record));
}

static enum cursor_state read_ring(struct cursor *cursor) {
  for (const struct record *record; (record = ring_after(cursor->at));) {
    cursor->at = record->sequence;
    if (takes(cursor, record) && (!cursor->owner->record(cursor->ctx, record) || cursor->is_dropped))
      return CURSOR_FULL;
  }
  return CURSOR_AT_END;
}

/* Behind the ring. False when the owner had enough with the resync. */
static bool tell_losses(struct cursor *cursor) {
  uint64_t lost = topics_lost_through(cursor->filter);
  if (cursor->at == 0 || lost <= cursor->at || lost <= cursor->told_through)
    return true;
  cursor->told_through = lost;
  return tell_resync(cursor, cursor->at);
}

static enum cursor_state run(struct cursor *cursor) {
  if (cursor->at > sequence_last() && !tell_resync(cursor, ring_last()))
    return CURSOR_FULL;
  if (cursor->at > ring_last())
    return CURSOR_AHEAD;
  if (cursor->at < ring_floor() && !tell_losses(cursor))
    return CURSOR_FULL;
  if (cursor->at >= last_stored && cursor->at < first_start)
    cursor->at = first_start;
  if (cursor->at < ring_floor() && !topics_all_ephemeral(cursor->filter))
    return read_page(cursor);
  if (cursor->at < ring_floor())
    cursor->at = ring_floor();
  return read_ring(cursor);
}

enum cursor_state cursor_run(struct cursor *cursor) {
  if (cursor->is_reading)
    return CURSOR_WAITING;
  cursor->is_running = true;
  enum cursor_state state = run(cursor);
  cursor->is_running = false;
  if (!cursor->is_dropped || cursor->is_reading)
    return state;
  free(cursor);
  return CURSOR_WAITING;
}
