/* Output of taken-over connections; see outlet.h. */
#include "live/outlet.h"

#include "http/bulk.h"
#include "live/fanout.h"
#include "live/waiting.h"
#include "loop/loop.h"

#define IOV_COUNT 256

static void tick_end(void *arg);

static struct {
  struct outlet *open;
  struct outlet *over; /* to be freed at the end of the tick */
  struct outlet *dirty;
  uint32_t count;
  struct event *timer;
  struct loop_hook hook;
} all = {.hook = {.fn = tick_end}};

uint32_t outlet_clock_s(void) {
  return (uint32_t)(loop_now_ms() / 1000) + 1;
}

/* ---- Lists ---- */

static void link_to(struct outlet **list, struct outlet *o) {
  o->previous = NULL;
  o->next = *list;
  if (*list)
    (*list)->previous = o;
  *list = o;
}

static void unlink_from(struct outlet **list, struct outlet *o) {
  if (o->previous)
    o->previous->next = o->next;
  else
    *list = o->next;
  if (o->next)
    o->next->previous = o->previous;
}

static void mark_dirty(struct outlet *o) {
  if (o->is_dirty)
    return;
  o->is_dirty = true;
  o->next_dirty = all.dirty;
  all.dirty = o;
  loop_tick_end(&all.hook);
}

/* ---- The end ---- */

static void finish(struct outlet *o) {
  if (o->is_dirty) {
    struct outlet **link = &all.dirty;
    while (*link != o)
      link = &(*link)->next_dirty;
    *link = o->next_dirty;
    o->is_dirty = false;
  }
  waiting_clear(o);
  unlink_from(&all.open, o);
  all.count--;
  o->raw = NULL;
  o->socket = -1;
  link_to(&all.over, o);
  loop_tick_end(&all.hook);
}

static void close_raw(struct outlet *o, bool linger) {
  struct http_raw *raw = o->raw;
  if (!raw)
    return;
  finish(o);
  raw_close(raw, linger);
}

void outlet_abort(struct outlet *o) {
  close_raw(o, false);
}

void outlet_end_by_deadline(struct outlet *o) {
  if (o->ending_s == 0)
    o->ending_s = outlet_clock_s();
}

void outlet_end(struct outlet *o) {
  outlet_end_by_deadline(o);
  o->closes_when_drained = true;
  if (o->count == 0)
    mark_dirty(o);
}

/* ---- Writing ---- */

static void set_wants_write(struct outlet *o, bool wants) {
  if (o->wants_write == wants)
    return;
  o->wants_write = wants;
  raw_want_write(o->raw, wants);
}

static int fill_iov(struct iovec *iov, struct frame *const *frames, uint32_t count, uint32_t offset) {
  int n = 0;
  for (uint32_t i = 0; i < count && n < IOV_COUNT; i++) {
    iov[n++] = (struct iovec){.iov_base = frames[i]->data + offset, .iov_len = frames[i]->len - offset};
    offset = 0;
  }
  return n;
}

/* What the socket took of what waits; `result` as raw_write's. */
static void note_written(struct outlet *o, ssize_t result) {
  o->is_failed = result < 0;
  if (result > 0) {
    o->moved_s = outlet_clock_s();
    waiting_advance(o, (size_t)result);
  }
}

static void note_end(struct outlet *o) {
  if (o->is_failed)
    waiting_clear(o);
  else
    set_wants_write(o, o->count > 0);
}

void outlet_flush(struct outlet *o) {
  bool had_waiting = o->count > 0;
  while (o->count && !o->is_failed) {
    struct iovec iov[IOV_COUNT];
    int n = fill_iov(iov, o->waiting + o->first, o->count, o->offset);
    ssize_t sent = raw_write(o->raw, iov, n);
    note_written(o, sent);
    if (sent <= 0 || (o->count && o->offset > 0))
      break;
  }
  note_end(o);
  if (had_waiting || o->closes_when_drained)
    outlet_settle(o);
}

/* Once frames may follow each other without regard to replies, that stays so. */
static int direct_socket(struct outlet *o) {
  if (o->socket < 0)
    o->socket = raw_socket(o->raw);
  return o->socket;
}

int outlet_socket_of_one(struct outlet *o, bp_str *ret_bytes) {
  if (!o->raw || o->is_failed || o->count != 1)
    return -1;
  const struct frame *frame = waiting_at(o, 0);
  *ret_bytes = bp_str_make(frame->data + o->offset, frame->len - o->offset);
  return direct_socket(o);
}

void outlet_sent_one(struct outlet *o, ssize_t result) {
  note_written(o, raw_sent(o->raw, result));
  note_end(o);
}

void outlet_settle(struct outlet *o) {
  if (!o->raw || o->is_failed || o->count)
    return;
  if (o->closes_when_drained)
    close_raw(o, true);
  else
    o->kind->drained(o);
}

void outlet_queue(struct outlet *o, struct frame *frame) {
  if (!frame || !o->raw || o->is_failed)
    return;
  waiting_push(o, frame);
  if (!o->wants_write)
    mark_dirty(o);
}

static void queue_rest(struct outlet *o, struct frame *const *frames, uint32_t count, size_t sent) {
  uint32_t i = 0;
  while (i < count && sent >= frames[i]->len)
    sent -= frames[i++]->len;
  bool begins = i < count && o->count == 0;
  for (; i < count; i++)
    waiting_push(o, frames[i]);
  if (begins)
    o->offset = (uint32_t)sent;
}

/* `sent` of nothing: something waited before, or the socket is full. */
static void note_sent(struct outlet *o, struct frame *const *frames, uint32_t count, size_t sent) {
  size_t len = 0;
  for (uint32_t i = 0; i < count; i++)
    len += frames[i]->len;
  if (sent == len)
    return;
  queue_rest(o, frames, count, sent);
  if (sent > 0 && o->offset == 0) /* all that fitted one write left: go on at once */
    mark_dirty(o);
  else
    set_wants_write(o, true);
}

void outlet_send(struct outlet *o, struct frame *const *frames, uint32_t count) {
  if (!o->raw || o->is_failed || count == 0)
    return;
  ssize_t sent = 0;
  if (o->count == 0) {
    struct iovec iov[IOV_COUNT];
    sent = raw_write(o->raw, iov, fill_iov(iov, frames, count, 0));
    o->is_failed = sent < 0;
  }
  if (sent >= 0)
    note_sent(o, frames, count, (size_t)sent);
}

int outlet_socket(struct outlet *o) {
  return o->raw && !o->is_failed && o->count == 0 ? direct_socket(o) : -1;
}

void outlet_sent(struct outlet *o, struct frame *const *frames, uint32_t count, ssize_t result) {
  ssize_t sent = raw_sent(o->raw, result);
  o->is_failed = sent < 0;
  if (sent >= 0)
    note_sent(o, frames, count, (size_t)sent);
}

/* ---- Events of the connection and the clock ---- */

static void on_readable(void *owner, bp_str bytes) {
  struct outlet *o = owner;
  if (o->raw)
    o->kind->readable(o, bytes);
}

static void on_writable(void *owner) {
  struct outlet *o = owner;
  if (o->raw)
    outlet_flush(o);
}

static void on_closed(void *owner) {
  struct outlet *o = owner;
  if (o->raw)
    finish(o);
}

static const struct http_raw_events raw_events = {.readable = on_readable, .writable = on_writable, .closed = on_closed};

static void pulse(struct outlet *o, uint32_t now_s) {
  bool is_stuck = o->count > 0 && now_s - o->moved_s >= OUTLET_STALL_S;
  bool is_late = o->ending_s > 0 && now_s - o->ending_s >= OUTLET_END_S;
  if (is_stuck || is_late)
    outlet_abort(o);
  else if (o->ending_s == 0)
    o->kind->pulse(o, now_s);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  uint32_t now_s = outlet_clock_s();
  for (struct outlet *o = all.open, *next; o; o = next) {
    next = o->next;
    pulse(o, now_s);
  }
  bulk_rest(loop_now_ms());
}

/* The timer runs only while there are outlets. */
static void timer_update(void) {
  if (all.count == 0 && all.timer) {
    event_free(all.timer);
    all.timer = NULL;
  } else if (all.count > 0 && !all.timer) {
    const struct timeval interval = {.tv_sec = OUTLET_PULSE_S};
    all.timer = event_new(loop_base(), -1, EV_PERSIST, on_timer, NULL);
    if (all.timer)
      event_add(all.timer, &interval);
  }
}

static void flush_dirty(void) {
  struct outlet *batch[FANOUT_MAX];
  uint32_t count = 0;
  for (struct outlet *o; (o = all.dirty) && count < FANOUT_MAX; batch[count++] = o) {
    all.dirty = o->next_dirty;
    o->is_dirty = false;
  }
  fanout_flush(batch, count);
}

static void tick_end(void *arg) {
  (void)arg;
  while (all.dirty)
    flush_dirty();
  while (all.over) {
    struct outlet *o = all.over;
    all.over = o->next;
    o->kind->gone(o);
  }
  timer_update();
}

bool outlet_open(struct outlet *o, const struct outlet_kind *kind, struct http_exchange *x, unsigned status, bp_str content_type) {
  o->kind = kind;
  o->socket = -1;
  o->raw = exchange_takeover(x, status, content_type, &raw_events, o);
  if (!o->raw)
    return false;
  o->moved_s = o->beat_s = outlet_clock_s();
  link_to(&all.open, o);
  all.count++;
  timer_update();
  return true;
}

void outlets_stop(void) {
  for (struct outlet *o = all.open, *next; o; o = next) {
    next = o->next;
    o->kind->stop(o);
  }
}

void outlets_abort(void) {
  while (all.open)
    outlet_abort(all.open);
}

uint32_t outlets_count(void) {
  return all.count;
}

void outlets_release(void) {
  outlets_abort();
  tick_end(NULL);
  loop_tick_forget(&all.hook);
}
