/* Watched folders; see spots.h. */
#include "watch/spots.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MASK (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define READS_A_TICK 16

struct spot {
  struct spot *next;
  int wd;
  struct spot_user *users;
};

static struct {
  int fd;
  struct event *event;
  struct spot *spots;
} all = {.fd = -1};

/* ---- Events ---- */

static void tell(struct spot *spot, uint32_t mask, bp_str name) {
  for (struct spot_user *user = spot->users, *next; user; user = next) {
    next = user->next;
    user->event(user, mask, name);
  }
}

static void dispatch(const struct inotify_event *event) {
  bp_str name = event->len > 0 ? str_from(event->name) : bp_str_make(NULL, 0);
  for (struct spot *spot = all.spots, *next; spot; spot = next) {
    next = spot->next;
    if (event->mask & IN_Q_OVERFLOW)
      tell(spot, IN_Q_OVERFLOW, name);
    else if (spot->wd == event->wd) {
      tell(spot, event->mask, name);
      return;
    }
  }
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  _Alignas(struct inotify_event) char buffer[16384];
  (void)what, (void)arg;
  for (unsigned reads = 0; reads < READS_A_TICK; reads++) {
    ssize_t len = read((int)fd, buffer, sizeof(buffer));
    if (len <= 0)
      return;
    for (const char *at = buffer; at < buffer + len;) {
      const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
      at += sizeof(*event) + event->len;
      dispatch(event);
    }
  }
}

static bool open_descriptor(void) {
  if (all.fd >= 0)
    return true;
  all.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  all.event = all.fd < 0 ? NULL : event_new(loop_base(), all.fd, EV_READ | EV_PERSIST, on_readable, NULL);
  if (all.event && event_add(all.event, NULL) == 0)
    return true;
  log_error("watch", "cannot watch files: %s", strerror(errno));
  spots_release();
  return false;
}

/* ---- Joining and leaving ---- */

static struct spot *find(int wd) {
  struct spot *spot = all.spots;
  while (spot && spot->wd != wd)
    spot = spot->next;
  return spot;
}

static struct spot *spot_new(int wd) {
  struct spot *spot = calloc(1, sizeof(*spot));
  if (!spot)
    return NULL;
  spot->wd = wd;
  spot->next = all.spots;
  return all.spots = spot;
}

bool spot_join(struct spot_user *user, const char *folder) {
  if (!open_descriptor())
    return false;
  int wd = inotify_add_watch(all.fd, folder, MASK);
  if (wd < 0)
    return false;
  struct spot *spot = find(wd); /* the kernel gives the same number for the same folder */
  if (!spot && !(spot = spot_new(wd))) {
    inotify_rm_watch(all.fd, wd);
    errno = ENOMEM;
    return false;
  }
  user->spot = spot;
  user->next = spot->users;
  spot->users = user;
  return true;
}

static void spot_free(struct spot *spot) {
  struct spot **link = &all.spots;
  while (*link != spot)
    link = &(*link)->next;
  *link = spot->next;
  inotify_rm_watch(all.fd, spot->wd); /* fails where the kernel has dropped it already */
  free(spot);
}

void spot_leave(struct spot_user *user) {
  struct spot *spot = user->spot;
  if (!spot)
    return;
  struct spot_user **link = &spot->users;
  while (*link != user)
    link = &(*link)->next;
  *link = user->next;
  user->spot = NULL;
  if (!spot->users)
    spot_free(spot);
}

void spots_release(void) {
  if (all.event)
    event_free(all.event);
  if (all.fd >= 0)
    close(all.fd);
  all.event = NULL;
  all.fd = -1;
}
