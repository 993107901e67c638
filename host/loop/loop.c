/* The event loop; see loop.h. One eventfd wakes it for posted work; nothing ticks while there is nothing to do. */
#include "loop/loop.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Hooks may queue hooks; after so many rounds the sockets get their turn first. */
#define HOOK_ROUNDS 8

struct post {
  loop_fn fn;
  void *arg;
  struct post *next;
};

static struct {
  struct event_base *base;
  struct event wake;
  int wake_fd;
  pthread_t main_thread;
  bool is_ready;
  atomic_bool should_stop;
  _Atomic(struct post *) posted; /* newest first */
  struct loop_hook *hooks, *last_hook;
  struct loop_hook *later; /* for the end of the next tick */
  int64_t now_ms;          /* 0: not read in this tick */
  int64_t recent_ns;       /* the same */
} loop = {.wake_fd = -1};

static void run_posted(void) {
  struct post *newest = atomic_exchange(&loop.posted, NULL);
  struct post *oldest = NULL;
  while (newest) {
    struct post *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest) {
    struct post post = *oldest;
    free(oldest);
    oldest = post.next;
    post.fn(post.arg);
  }
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  (void)arg;
  uint64_t count;
  if (read(fd, &count, sizeof(count)) < 0)
    return;
  run_posted();
}

bool loop_init(void) {
  loop.main_thread = pthread_self();
  loop.is_ready = true;
  atomic_store(&loop.should_stop, false);
  signal(SIGPIPE, SIG_IGN);
  struct event_config *config = event_config_new();
  if (config) {
    /* Other threads reach the loop only through loop_post, so its structures need no locks. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop.base = event_base_new_with_config(config);
    event_config_free(config);
  }
  loop.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop.base && loop.wake_fd >= 0 && event_assign(&loop.wake, loop.base, loop.wake_fd, EV_READ | EV_PERSIST, on_wake, NULL) == 0 &&
      event_add(&loop.wake, NULL) == 0)
    return true;
  loop_release();
  return false;
}

void loop_release(void) {
  if (!loop.is_ready)
    return;
  while (atomic_load(&loop.posted))
    run_posted();
  if (loop.base && event_initialized(&loop.wake))
    event_del(&loop.wake);
  if (loop.base)
    event_base_free(loop.base);
  if (loop.wake_fd >= 0)
    close(loop.wake_fd);
  loop.base = NULL;
  loop.wake_fd = -1;
  loop.hooks = loop.last_hook = loop.later = NULL;
  loop.is_ready = false;
}

struct event_base *loop_base(void) {
  return loop.base;
}

static void run_hooks(void) {
  for (int round = 0; loop.hooks && round < HOOK_ROUNDS; round++) {
    struct loop_hook *end = loop.last_hook;
    for (bool is_last = false; loop.hooks && !is_last;) {
      struct loop_hook *hook = loop.hooks;
      is_last = hook == end;
      loop.hooks = hook->next;
      if (!loop.hooks)
        loop.last_hook = NULL;
      hook->is_queued = false;
      hook->fn(hook->arg);
    }
  }
}

static void queue(struct loop_hook *hook) {
  hook->next = NULL;
  if (loop.last_hook)
    loop.last_hook->next = hook;
  else
    loop.hooks = hook;
  loop.last_hook = hook;
}

static void queue_later(void) {
  while (loop.later) {
    struct loop_hook *hook = loop.later;
    loop.later = hook->next;
    queue(hook);
  }
}

void loop_run(void) {
  LOOP_MAIN();
  while (!atomic_load_explicit(&loop.should_stop, memory_order_relaxed)) {
    run_hooks();
    loop.now_ms = loop.recent_ns = 0;
    event_base_loop(loop.base, EVLOOP_ONCE | (loop.hooks || loop.later ? EVLOOP_NONBLOCK : 0));
    queue_later();
  }
  queue_later();
  run_hooks();
  atomic_store(&loop.should_stop, false);
}

static void wake(void) {
  uint64_t one = 1;
  if (write(loop.wake_fd, &one, sizeof(one)) < 0)
    log_error("loop", "wake-up of the main thread failed");
}

void loop_stop(void) {
  atomic_store(&loop.should_stop, true);
  wake();
}

void loop_post(loop_fn fn, void *arg) {
  struct post *post = mem_alloc(sizeof(*post));
  post->fn = fn;
  post->arg = arg;
  struct post *head = atomic_load(&loop.posted);
  do {
    post->next = head;
  } while (!atomic_compare_exchange_weak(&loop.posted, &head, post));
  if (!head)
    wake();
}

void loop_tick_end(struct loop_hook *hook) {
  LOOP_MAIN();
  if (hook->is_queued)
    return;
  hook->is_queued = true;
  queue(hook);
}

void loop_next_tick_end(struct loop_hook *hook) {
  LOOP_MAIN();
  if (hook->is_queued)
    return;
  hook->is_queued = true;
  hook->next = loop.later;
  loop.later = hook;
}

static bool take_out(struct loop_hook **list, const struct loop_hook *hook, struct loop_hook **ret_previous) {
  *ret_previous = NULL;
  for (struct loop_hook **at = list; *at; *ret_previous = *at, at = &(*at)->next)
    if (*at == hook) {
      *at = hook->next;
      return true;
    }
  return false;
}

void loop_tick_forget(struct loop_hook *hook) {
  LOOP_MAIN();
  if (!hook->is_queued)
    return;
  hook->is_queued = false;
  struct loop_hook *previous;
  if (take_out(&loop.later, hook, &previous))
    return;
  if (take_out(&loop.hooks, hook, &previous) && loop.last_hook == hook)
    loop.last_hook = previous;
}

int64_t loop_clock_ns(void) {
  int64_t now_ns = clock_monotonic_ns();
  if (loop_is_main())
    loop.recent_ns = now_ns;
  return now_ns;
}

int64_t loop_recent_ns(void) {
  LOOP_MAIN();
  return loop.recent_ns ? loop.recent_ns : loop_clock_ns();
}

int64_t loop_now_ms(void) {
  if (!loop_is_main())
    return loop_clock_ns() / 1000000;
  if (loop.now_ms == 0)
    loop.now_ms = loop_recent_ns() / 1000000;
  return loop.now_ms;
}

bool loop_is_main(void) {
  return loop.is_ready && pthread_equal(pthread_self(), loop.main_thread);
}

void loop_assert_main(const char *function) {
  if (loop_is_main())
    return;
  log_error("loop", "\"%s\" was called off the main thread", function);
  abort();
}
