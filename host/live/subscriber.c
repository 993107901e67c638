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

/* ---- Lists ---- */

static struct subscriber **list_of(const struct subscriber *s) {
  return s->catchup ? &s->audience->catching : &s->audience->members;
}

static void list_add(struct subscriber *s) {
  struct subscriber **list = list_of(s);
  s->previous = NULL;
  s->next = *list;
  if (*list)
    (*list)->previous = s;
  *list = s;
}

static void list_remove(struct subscriber *s) {
  if (s->previous)
    s->previous->next = s->next;
  else
    *list_of(s) = s->next;
  if (s->next)
    s->next->previous = s->previous;
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
  list_remove(s);
  catchup_free(s->catchup);
  s->catchup = NULL;
  list_add(s);
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
  list_add(s);
}

void subscriber_drained(struct subscriber *s) {
  if (s->audience && s->catchup)
    run(s);
}

void subscriber_leave(struct subscriber *s) {
  if (!s->audience)
    return;
  list_remove(s);
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

/* The next members from `s` on, at most FANOUT_MAX. Returns the one after them. */
static struct subscriber *take_members(struct subscriber *s, struct subscriber **members, struct outlet **outlets, uint32_t *ret_count) {
  uint32_t count = 0;
  for (; s && count < FANOUT_MAX; s = s->next) {
    members[count] = s;
    outlets[count] = s->out;
    __builtin_prefetch(&s->out->raw);
    __builtin_prefetch(&s->out->count);
    count++;
  }
  *ret_count = count;
  return s;
}

void subscribers_send(struct audience *audience) {
  struct subscriber *members[FANOUT_MAX];
  struct outlet *outlets[FANOUT_MAX];
  struct fanout fanout;
  fanout_begin(&fanout, audience->frames, audience->frame_count, audience->count);
  for (struct subscriber *s = audience->members; s;) {
    uint32_t count;
    s = take_members(s, members, outlets, &count);
    fanout_send(&fanout, outlets, count);
    subscriber_counts.deliveries += (uint64_t)count * audience->frame_count;
    for (uint32_t i = 0; i < count; i++)
      if (outlet_is_over_limit(outlets[i]))
        cut(members[i]);
  }
  fanout_end(&fanout);
}

static void flushed_in(struct audience *audience, void *ctx) {
  (void)ctx;
  for (struct subscriber *s = audience->catching, *next; s; s = next) {
    next = s->next;
    if (s->catchup->is_ahead)
      make_due(s->catchup);
  }
}

void subscribers_flushed(void) {
  if (ahead_count > 0)
    audiences_each(flushed_in, NULL);
}
