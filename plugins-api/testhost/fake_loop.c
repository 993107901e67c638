/* bp.loop/1 of the fake host: a queue of what runs later, and timers on the fake clock. Descriptors are not watched. */
#include "base/slots.h"
#include "fake.h"

#include <stdlib.h>

#define STEPS_MAX 1000000u /* in one run; more means a plugin that posts for ever */

struct later {
  struct later *next;
  bp_post_fn fn;
  void *ctx;
};
static struct later *first, **end = &first;

struct timer {
  bp_timer handle;
  int64_t due_ns;
  int64_t repeat_ns;
  bp_timer_fn fn;
  void *ctx;
  struct timer *next;
};
static struct timer *timers;
static struct slots timer_slots;

void fake_later(bp_post_fn fn, void *ctx) {
  struct later *later = mem_alloc(sizeof(*later));
  later->fn = fn;
  later->ctx = ctx;
  *end = later;
  end = &later->next;
}

static bool run_later(void) {
  struct later *later = first;
  if (!later)
    return false;
  first = later->next;
  if (!first)
    end = &first;
  later->fn(later->ctx);
  free(later);
  return true;
}

static void timer_remove(struct timer *timer) {
  struct timer **at = &timers;
  while (*at != timer)
    at = &(*at)->next;
  *at = timer->next;
  slots_remove(&timer_slots, timer->handle);
  free(timer);
}

static struct timer *next_due(void) {
  struct timer *found = NULL;
  for (struct timer *timer = timers; timer; timer = timer->next)
    if (timer->due_ns <= fake_now_ns() && (!found || timer->due_ns < found->due_ns))
      found = timer;
  return found;
}

static bool run_timer(void) {
  struct timer *timer = next_due();
  if (!timer)
    return false;
  const struct timer fired = *timer;
  if (timer->repeat_ns)
    timer->due_ns += timer->repeat_ns;
  else
    timer_remove(timer);
  fired.fn(fired.ctx, fired.handle);
  return true;
}

void bp_testhost_run(void) {
  unsigned steps = 0;
  while (run_later() || run_timer())
    if (++steps == STEPS_MAX)
      fake_misuse("%u callbacks and still more: the plugin never comes to rest", STEPS_MAX);
}

void bp_testhost_advance(int64_t ms) {
  bp_testhost_run();
  fake_clock_move(ms * 1000000);
  bp_testhost_run();
}

static bp_status timer_start(bp_plugin self, int64_t delay_ms, int64_t repeat_ms, bp_timer_fn fn, void *ctx, bp_timer *ret) {
  (void)self;
  if (delay_ms < 0 || repeat_ms < 0 || !fn)
    return BP_E_INVALID;
  struct timer *timer = mem_alloc(sizeof(*timer));
  *timer = (struct timer){.due_ns = fake_now_ns() + delay_ms * 1000000, .repeat_ns = repeat_ms * 1000000, .fn = fn, .ctx = ctx, .next = timers};
  timers = timer;
  timer->handle = slots_add(&timer_slots, timer);
  if (ret)
    *ret = timer->handle;
  return BP_OK;
}

static bp_status timer_cancel(bp_timer handle) {
  struct timer *timer = slots_get(&timer_slots, handle);
  if (!timer)
    return BP_E_STALE;
  timer_remove(timer);
  return BP_OK;
}

static bp_status fd_start(bp_plugin self, int32_t fd, uint32_t events, bp_fd_fn fn, void *ctx, bp_fd_watch *ret) {
  (void)self;
  (void)fd;
  (void)events;
  (void)fn;
  (void)ctx;
  (void)ret;
  return BP_E_UNSUPPORTED;
}

static bp_status fd_events(bp_fd_watch watch, uint32_t events) {
  (void)watch;
  (void)events;
  return BP_E_STALE;
}

static bp_status fd_cancel(bp_fd_watch watch) {
  (void)watch;
  return BP_E_STALE;
}

static bp_status post(bp_plugin self, bp_post_fn fn, void *ctx) {
  (void)self;
  fake_later(fn, ctx);
  return BP_OK;
}

struct work {
  bp_work_fn work;
  bp_work_done_fn done;
  void *ctx;
};

static void run_work(void *ctx) {
  struct work *work = ctx;
  work->work(work->ctx);
  if (work->done)
    work->done(work->ctx, BP_OK);
  free(work);
}

static bp_status work_start(bp_plugin self, bp_work_fn fn, bp_work_done_fn done, void *ctx) {
  struct work *work = mem_alloc(sizeof(*work));
  (void)self;
  *work = (struct work){fn, done, ctx};
  fake_later(run_work, work);
  return BP_OK;
}

/* Comes first of all resets: what still waits belongs to a plugin that is gone. */
void fake_loop_reset(void) {
  while (timers)
    timer_remove(timers);
  while (first) {
    struct later *next = first->next;
    free(first);
    first = next;
  }
  end = &first;
  slots_release(&timer_slots);
}

const bp_loop_1 fake_loop_table = {
    .size = sizeof(bp_loop_1),
    .timer = timer_start,
    .timer_cancel = timer_cancel,
    .fd = fd_start,
    .fd_events = fd_events,
    .fd_cancel = fd_cancel,
    .post = post,
    .work = work_start,
};
