/* One inotify descriptor for all followed files; see follow.h. */
#include "proc/follow.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_MS 500

struct follow {
  struct follow *next;
  int number;
  int watch; /* -1: looked at by the timer */
  struct spout *spout;
};

static struct {
  struct follow *first;
  int last_number;
  int inotify;
  bool is_ready;
  struct event readable, timer;
} follows = {.inotify = -1};

static void poke_all(int watch) {
  for (struct follow *follow = follows.first; follow; follow = follow->next)
    if (follow->watch == watch)
      spout_poke(follow->spout);
}

/* An overflowed queue (watch -1 in its event) wakes everybody. */
static void on_readable(evutil_socket_t fd, short what, void *arg) {
  _Alignas(struct inotify_event) char events[4096];
  (void)what;
  (void)arg;
  ssize_t len = read(fd, events, sizeof(events));
  for (ssize_t at = 0; at < len;) {
    const struct inotify_event *event = (const void *)(events + at);
    if (event->mask & IN_Q_OVERFLOW)
      for (struct follow *follow = follows.first; follow; follow = follow->next)
        spout_poke(follow->spout);
    else
      poke_all(event->wd);
    at += (ssize_t)(sizeof(*event) + event->len);
  }
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  poke_all(-1);
}

static void prepare(void) {
  if (follows.is_ready)
    return;
  follows.is_ready = true;
  follows.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  event_assign(&follows.timer, loop_base(), -1, EV_PERSIST, on_timer, NULL);
  if (follows.inotify < 0) {
    log_warn("proc", "no inotify (%s): output files are looked at twice a second", strerror(errno));
    return;
  }
  event_assign(&follows.readable, loop_base(), follows.inotify, EV_READ | EV_PERSIST, on_readable, NULL);
  event_add(&follows.readable, NULL);
}

int follow_begin(const char *path, struct spout *spout) {
  const struct timeval period = {.tv_usec = LOOK_MS * 1000};
  prepare();
  struct follow *follow = mem_alloc(sizeof(*follow));
  follow->number = ++follows.last_number;
  follow->spout = spout;
  follow->watch = follows.inotify >= 0 ? inotify_add_watch(follows.inotify, path, IN_MODIFY) : -1;
  follow->next = follows.first;
  follows.first = follow;
  if (follow->watch < 0 && !evtimer_pending(&follows.timer, NULL))
    evtimer_add(&follows.timer, &period);
  return follow->number;
}

void follow_end(int number) {
  bool is_looking = false;
  for (struct follow **at = &follows.first; *at;) {
    struct follow *follow = *at;
    if (follow->number == number) {
      if (follow->watch >= 0)
        inotify_rm_watch(follows.inotify, follow->watch);
      *at = follow->next;
      free(follow);
      continue;
    }
    is_looking = is_looking || follow->watch < 0;
    at = &follow->next;
  }
  if (follows.is_ready && !is_looking)
    evtimer_del(&follows.timer);
}

void follow_release(void) {
  while (follows.first)
    follow_end(follows.first->number);
  if (follows.inotify >= 0) {
    event_del(&follows.readable);
    close(follows.inotify);
  }
  follows.inotify = -1;
  follows.is_ready = false;
}
