/* Clients of views; see subscriber.h. */
#include "live/subscriber.h"

#include "base/mem.h"
#include "live/cursor.h"
#include "live/fanout.h"
#include "live/ring.h"
#include "loop/loop.h"

#include <stdlib.h>

#define PAGE_FRAMES 64u
#define PAGE_BYTES (32u << 10)

/* What a subscriber needs only until it is live. */
struct catchup {
  struct cursor *cursor;
  struct catchup *next_due; /* among those that go on in a later tick */
  struct subscriber *subscriber;
  bool is_due, is_ahead;
  uint32_t count, bytes; /* of the page being filled */
  struct frame *frames[PAGE_FRAMES];
};

struct subscriber_counts subscriber_counts;

static struct catchup *due;
static uint32_t ahead_count;

static void run(struct subscriber *s);

/* ---- Crowds ---- */

#define CROWD_MIN 8u

static struct crowd *crowd_of(const struct subscriber *s) {
  return s->catchup ? &s->audience->catching : &s->audience->members;
}

static void crowd_add(struct subscriber *s) {
  struct crowd *crowd = crowd_of(s);
  if (crowd->count == crowd->capacity) {
    crowd->capacity = crowd->capacity ? crowd->capacity * 2 : CROWD_MIN;
    crowd->subscribers = mem_resize(crowd->subscribers, crowd->capacity * sizeof(struct subscriber *));
    crowd->outlets = mem_resize(crowd->outlets, crowd->capacity * sizeof(struct outlet *));
  }
  s->place = crowd->count++;
  crowd->subscribers[s->place] = s;
  crowd->outlets[s->place] = s->out;
}

/* The last one takes the place. */
static void crowd_remove(const struct subscriber *s) {
  struct crowd *crowd = crowd_of(s);
  uint32_t last = --crowd->count;
  crowd->subscribers[s->place] = crowd->subscribers[last];
  crowd->outlets[s->place] = crowd->outlets[last];
  crowd->subscribers[s->place]->place = s->place;
  if (last > 0)
    return;
  free(crowd->subscribers);
  free(crowd->outlets);
  *crowd = (struct crowd){0};
}

/* ---- Going on in a later tick ---- */

static void run_due(void *arg) {
  (void)arg;
  struct catchup *list = due;
  due = NULL;
  while (list) {
    struct catchup *catchup = list;
    list = catchup->next_due;
    catchup->is_due = false;
    if (catchup->subscriber)
      run(catchup->subscriber);
    else
      free(catchup);
  }
}

static void make_due(struct catchup *catchup) {
  if (catchup->is_due)
    return;
  catchup->is_due = true;
  if (!due)
    loop_post(run_due, NULL);
  catchup->next_due = due;
  due = catchup;
}

static void set_ahead(struct catchup *catchup, bool is_ahead) {
  if (catchup->is_ahead == is_ahead)
    return;
  catchup->is_ahead = is_ahead;
  ahead_count += is_ahead ? 1u : UINT32_MAX;
}

/* ---- Pages ---- */

static bool page_add(struct catchup *catchup, struct frame *frame) {
  if (!frame)
    return true;
  catchup->frames[catchup->count++] = frame;
  catchup->bytes += frame->len;
  return catchup->count < PAGE_FRAMES && catchup->bytes < PAGE_BYTES;
}

static void page_drop(struct catchup *catchup) {
  for (uint32_t i = 0; i < catchup->count; i++)
    frame_unref(catchup->frames[i]);
  catchup->count = catchup->bytes = 0;
}

static void page_send(struct catchup *catchup) {
  if (catchup->count)
    outlet_send(catchup->subscriber->out, catchup->frames, catchup->count);
  subscriber_counts.deliveries += catchup->count;
  page_drop(catchup);
}

static bool on_record(void *ctx, const struct record *record) {
  struct subscriber *s = ctx;
  return page_add(s->catchup, audience_render_record(s->audience, record));
}

static bool on_row(void *ctx, const bp_live_event *event) {
  struct subscriber *s = ctx;
  return page_add(s->catchup, audience_render(s->audience, event));
}

static void on_ready(void *ctx) {
  struct subscriber *s = ctx;
  page_send(s->catchup);
  run(s);
}

static const struct cursor_owner cursor_owner = {.record = on_record, .row = on_row, .ready = on_ready};

/* ---- Catching up ---- */

static void catchup_free(struct catchup *catchup) {
  cursor_drop(catchup->cursor);
  page_drop(catchup);
  set_ahead(catchup, false);
  catchup->subscriber = NULL;
  if (!catchup->is_due) /* else freed when its turn comes */
    free(catchup);
}

static void go_live(struct subscriber *s) {
  crowd_remove(s);
  catchup_free(s->catchup);
  s->catchup = NULL;
  crowd_add(s);
}

/* One page, then the others' turn. */
static void run(struct subscriber *s) {
  struct catchup *catchup = s->catchup;
  set_ahead(catchup, false);
  if (outlet_buffered(s->out) > 0)
    return; /* drained comes */
  enum cursor_state state = cursor_run(catchup->cursor);
  page_send(catchup);
  if (state == CURSOR_AT_END)
    go_live(s);
  else if (state == CURSOR_FULL && outlet_buffered(s->out) == 0)
    make_due(catchup);
  else if (state == CURSOR_AHEAD)
    set_ahead(catchup, true);
}

void subscriber_join(struct subscriber *s, struct audience *audience, struct outlet *out, uint64_t from) {
  s->audience = audience;
  s->out = out;
  if (from != BP_LIVE_FROM_NOW || audience->is_busy) {
    s->catchup = mem_alloc(sizeof(*s->catchup));
    s->catchup->subscriber = s;
    s->catchup->cursor = cursor_new(audience_filter(audience), audience->key, from == BP_LIVE_FROM_NOW ? ring_last() : from, &cursor_owner, s);
    make_due(s->catchup);
  }
  crowd_add(s);
}

void subscriber_drained(struct subscriber *s) {
  if (s->audience && s->catchup)
    run(s);
}

void subscriber_leave(struct subscriber *s) {
  if (!s->audience)
    return;
  crowd_remove(s);
  if (s->catchup)
    catchup_free(s->catchup);
  s->catchup = NULL;
  struct audience *audience = s->audience;
  s->audience = NULL;
  audience_leave(audience);
}

void subscriber_dismiss(struct subscriber *s) {
  subscriber_leave(s);
  s->end(s, false);
}

/* ---- Live ---- */

static void cut(struct subscriber *s) {
  subscriber_counts.cut++;
  subscriber_leave(s);
  s->end(s, true);
}

static void cut_laggards(const struct crowd *members, uint32_t first, uint32_t count) {
  struct subscriber *laggards[FANOUT_MAX];
  uint32_t laggard_count = 0;
  for (uint32_t i = first; i < first + count; i++)
    if (outlet_is_over_limit(members->outlets[i]))
      laggards[laggard_count++] = members->subscribers[i];
  for (uint32_t i = 0; i < laggard_count; i++)
    cut(laggards[i]);
}

/* From the end, so that whoever takes the place of one that is cut has been served. */
void subscribers_send(struct audience *audience) {
  const struct crowd *members = &audience->members;
  struct fanout fanout;
  fanout_begin(&fanout, audience->frames, audience->frame_count, audience->count);
  for (uint32_t left = members->count; left > 0;) {
    uint32_t count = left < FANOUT_MAX ? left : FANOUT_MAX;
    left -= count;
    subscriber_counts.deliveries += (uint64_t)count * audience->frame_count;
    if (!fanout_send(&fanout, members->outlets + left, count))
      cut_laggards(members, left, count);
  }
  fanout_end(&fanout);
}

static void flushed_in(struct audience *audience, void *ctx) {
  (void)ctx;
  for (uint32_t i = 0; i < audience->catching.count; i++) {
    struct catchup *catchup = audience->catching.subscribers[i]->catchup;
    if (catchup->is_ahead)
      make_due(catchup);
  }
}

void subscribers_flushed(void) {
  if (ahead_count > 0)
    audiences_each(flushed_in, NULL);
}
