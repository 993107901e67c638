/* bp.loop/1: what a plugin may do with the loop. Timers and descriptors are registrations of the plugin. Posts are dropped
 * once its handle is stale; its work is cancelled and joined by the drain (host/loader/drain.c), which waits for the ends. */
#include "base/slots.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"

#include <event2/event_struct.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#define POSTS_WAITING_MAX 4096
#define WORK_WAITING_MAX 256

static struct slots timers, watches;

/* ---- Timers ---- */

struct timer {
  struct owned owned;
  struct event event;
  bp_timer handle;
  int64_t repeat_ms;
  bp_timer_fn fn;
  void *ctx;
};

static struct timeval to_timeval(int64_t ms) {
  return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

static void timer_destroy(struct timer *timer) {
  event_del(&timer->event);
  slots_remove(&timers, timer->handle);
  owned_remove(&timer->owned);
  free(timer);
}

static void timer_revoke(struct owned *owned) {
  timer_destroy((struct timer *)owned);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct timer *timer = arg;
  struct plugin *owner = timer->owned.owner;
  bp_timer_fn fn = timer->fn;
  void *ctx = timer->ctx;
  bp_timer handle = timer->handle;
  if (timer->repeat_ms) {
    struct timeval delay = to_timeval(timer->repeat_ms);
    event_add(&timer->event, &delay);
  } else {
    timer_destroy(timer);
  }
  struct culprit culprit;
  culprit_enter(&culprit, owner, "timer", bp_str_make(NULL, 0));
  fn(ctx, handle);
  culprit_leave(&culprit);
}

static bp_status table_timer(bp_plugin self, int64_t delay_ms, int64_t repeat_ms, bp_timer_fn fn, void *ctx, bp_timer *ret) {
  if (!plugin_on_main(self, "timer"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (delay_ms < 0 || repeat_ms < 0 || !fn)
    return BP_E_INVALID;
  struct timer *timer = calloc(1, sizeof(*timer));
  if (!timer)
    return BP_E_NO_MEMORY;
  timer->handle = slots_add(&timers, timer);
  if (!timer->handle) {
    free(timer);
    return BP_E_NO_MEMORY;
  }
  timer->repeat_ms = repeat_ms;
  timer->fn = fn;
  timer->ctx = ctx;
  struct timeval delay = to_timeval(delay_ms);
  evtimer_assign(&timer->event, loop_base(), on_timer, timer);
  evtimer_add(&timer->event, &delay);
  owned_add(plugin, &timer->owned, timer_revoke);
  if (ret)
    *ret = timer->handle;
  return BP_OK;
}

static bp_status table_timer_cancel(bp_timer handle) {
  if (!plugin_on_main(0, "timer_cancel"))
    return BP_E_THREAD;
  struct timer *timer = slots_get(&timers, handle);
  if (!timer)
    return BP_E_STALE;
  timer_destroy(timer);
  return BP_OK;
}

/* ---- Descriptors ---- */

struct watch {
  struct owned owned;
  struct event event;
  bp_fd_watch handle;
  bp_fd_fn fn;
  void *ctx;
};

static void watch_destroy(struct watch *watch) {
  if (event_initialized(&watch->event))
    event_del(&watch->event);
  slots_remove(&watches, watch->handle);
  owned_remove(&watch->owned);
  free(watch);
}

static void watch_revoke(struct owned *owned) {
  watch_destroy((struct watch *)owned);
}

static void on_fd(evutil_socket_t fd, short what, void *arg) {
  struct watch *watch = arg;
  uint32_t events = (what & EV_READ ? BP_FD_READ : 0) | (what & EV_WRITE ? BP_FD_WRITE : 0);
  struct culprit culprit;
  culprit_enter(&culprit, watch->owned.owner, "fd", bp_str_make(NULL, 0));
  watch->fn(watch->ctx, watch->handle, (int32_t)fd, events);
  culprit_leave(&culprit);
}

static bool watch_arm(struct watch *watch, int fd, uint32_t events) {
  if (event_initialized(&watch->event))
    event_del(&watch->event);
  short what = (short)(EV_PERSIST | (events & BP_FD_READ ? EV_READ : 0) | (events & BP_FD_WRITE ? EV_WRITE : 0));
  if (event_assign(&watch->event, loop_base(), fd, what, on_fd, watch) != 0)
    return false;
  return events == 0 || event_add(&watch->event, NULL) == 0;
}

static bool is_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK);
}

static bp_status table_fd(bp_plugin self, int32_t fd, uint32_t events, bp_fd_fn fn, void *ctx, bp_fd_watch *ret) {
  if (!plugin_on_main(self, "fd"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if ((events & ~(BP_FD_READ | BP_FD_WRITE)) || !fn || !is_nonblocking(fd))
    return BP_E_INVALID;
  struct watch *watch = calloc(1, sizeof(*watch));
  if (!watch)
    return BP_E_NO_MEMORY;
  owned_add(plugin, &watch->owned, watch_revoke);
  watch->fn = fn;
  watch->ctx = ctx;
  watch->handle = slots_add(&watches, watch);
  if (!watch->handle || !watch_arm(watch, fd, events)) {
    bp_status status = watch->handle ? BP_E_IO : BP_E_NO_MEMORY;
    watch_destroy(watch);
    return status;
  }
  if (ret)
    *ret = watch->handle;
  return BP_OK;
}

static bp_status table_fd_events(bp_fd_watch handle, uint32_t events) {
  if (!plugin_on_main(0, "fd_events"))
    return BP_E_THREAD;
  struct watch *watch = slots_get(&watches, handle);
  if (!watch)
    return BP_E_STALE;
  if (events & ~(BP_FD_READ | BP_FD_WRITE))
    return BP_E_INVALID;
  return watch_arm(watch, event_get_fd(&watch->event), events) ? BP_OK : BP_E_IO;
}

static bp_status table_fd_cancel(bp_fd_watch handle) {
  if (!plugin_on_main(0, "fd_cancel"))
    return BP_E_THREAD;
  struct watch *watch = slots_get(&watches, handle);
  if (!watch)
    return BP_E_STALE;
  watch_destroy(watch);
  return BP_OK;
}

/* ---- Posts ---- */

/* How many posts of a plugin wait; there while any does. From any thread, under the lock. */
struct post_count {
  bp_plugin plugin;
  uint32_t waiting;
  struct post_count *next;
};

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER;
static struct post_count *counts;

static struct post_count **find_count(bp_plugin plugin) {
  struct post_count **link = &counts;
  while (*link && (*link)->plugin != plugin)
    link = &(*link)->next;
  return link;
}

static bp_status count_in(bp_plugin plugin) {
  pthread_mutex_lock(&count_lock);
  struct post_count **link = find_count(plugin);
  if (!*link && (*link = calloc(1, sizeof(**link))))
    (*link)->plugin = plugin;
  bp_status status = !*link ? BP_E_NO_MEMORY : (*link)->waiting >= POSTS_WAITING_MAX ? BP_E_BUSY : BP_OK;
  if (status == BP_OK)
    (*link)->waiting++;
  pthread_mutex_unlock(&count_lock);
  return status;
}

static void count_out(bp_plugin plugin) {
  pthread_mutex_lock(&count_lock);
  struct post_count **link = find_count(plugin), *count = *link;
  if (--count->waiting == 0) {
    *link = count->next;
    free(count);
  }
  pthread_mutex_unlock(&count_lock);
}

struct plugin_post {
  bp_plugin plugin;
  bp_post_fn fn;
  void *ctx;
};

static void run_post(void *arg) {
  struct plugin_post post = *(struct plugin_post *)arg;
  free(arg);
  count_out(post.plugin);
  struct plugin *plugin = plugin_get(post.plugin);
  if (!plugin)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, plugin, "post", bp_str_make(NULL, 0));
  post.fn(post.ctx);
  culprit_leave(&culprit);
}

static bp_status table_post(bp_plugin self, bp_post_fn fn, void *ctx) {
  if (!plugin_get(self))
    return BP_E_STALE;
  if (!fn)
    return BP_E_INVALID;
  struct plugin_post *post = malloc(sizeof(*post));
  if (!post)
    return BP_E_NO_MEMORY;
  bp_status status = count_in(self);
  if (status != BP_OK) {
    free(post);
    return status;
  }
  *post = (struct plugin_post){.plugin = self, .fn = fn, .ctx = ctx};
  loop_post(run_post, post);
  return BP_OK;
}

/* ---- Work ---- */

/* Until `done` was called the plugin counts as pending (workers_pending), so a drain waits for it. */
struct plugin_work {
  struct work work;
  struct plugin *plugin;
  bp_work_fn run;
  bp_work_done_fn done;
  void *ctx;
};

static void run_work(struct work *work) {
  struct plugin_work *item = (struct plugin_work *)work;
  struct culprit culprit;
  culprit_enter(&culprit, item->plugin, "work", bp_str_make(NULL, 0));
  item->run(item->ctx);
  culprit_leave(&culprit);
}

static void work_done(struct work *work, bool cancelled) {
  struct plugin_work *item = (struct plugin_work *)work;
  if (item->done) {
    struct culprit culprit;
    culprit_enter(&culprit, item->plugin, "work done", bp_str_make(NULL, 0));
    item->done(item->ctx, cancelled ? BP_E_CANCELLED : BP_OK);
    culprit_leave(&culprit);
  }
  free(item);
}

static bp_status table_work(bp_plugin self, bp_work_fn run, bp_work_done_fn done, void *ctx) {
  if (!plugin_on_main(self, "work"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  if (!run)
    return BP_E_INVALID;
  if (workers_pending(plugin) >= WORK_WAITING_MAX)
    return BP_E_BUSY;
  struct plugin_work *item = calloc(1, sizeof(*item));
  if (!item)
    return BP_E_NO_MEMORY;
  item->work = (struct work){.run = run_work, .done = work_done, .owner = plugin};
  item->plugin = plugin;
  item->run = run;
  item->done = done;
  item->ctx = ctx;
  workers_submit(&item->work);
  return BP_OK;
}

const bp_loop_1 loop_table = {
    .size = sizeof(bp_loop_1),
    .timer = table_timer,
    .timer_cancel = table_timer_cancel,
    .fd = table_fd,
    .fd_events = table_fd_events,
    .fd_cancel = table_fd_cancel,
    .post = table_post,
    .work = table_work,
};
