/* Deferred requests: one list, and one coarse timer that sleeps until the nearest deadline; see deferred.h. */
#include "router/deferred.h"
#include "base/buf.h"
#include "base/log.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/family_object.h"

#include <event2/event.h>
#include <string.h>

#define GRAIN_MS 100

static struct {
  struct request *first;
  struct event *timer;
  int64_t wakes_ms; /* 0: the timer is not armed */
} deferred;

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd, (void)what, (void)arg;
  deferred.wakes_ms = 0;
  deferred_expire();
}

/* Deadlines are rounded up, so that many requests share one wake-up. */
static void arm(int64_t deadline_ms) {
  int64_t at = (deadline_ms / GRAIN_MS + 1) * GRAIN_MS;
  if (deferred.wakes_ms != 0 && deferred.wakes_ms <= at)
    return;
  if (!deferred.timer)
    deferred.timer = event_new(loop_base(), -1, 0, on_timer, NULL);
  int64_t wait_ms = at > loop_now_ms() ? at - loop_now_ms() : GRAIN_MS;
  struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
  if (deferred.timer && event_add(deferred.timer, &wait) == 0)
    deferred.wakes_ms = at;
}

void deferred_add(struct request *r) {
  r->previous = NULL;
  r->next = deferred.first;
  if (r->next)
    r->next->previous = r;
  deferred.first = r;
  arm(r->deadline_ms);
}

void deferred_remove(struct request *r) {
  if (r->phase != REQUEST_DEFERRED)
    return;
  if (r->previous)
    r->previous->next = r->next;
  else
    deferred.first = r->next;
  if (r->next)
    r->next->previous = r->previous;
  r->next = r->previous = NULL;
}

static void time_out(struct request *r) {
  struct http_exchange *x = r->x;
  const struct family *family = r->family;
  struct buf text = {0};
  buf_append_z(&text, "no answer within ");
  buf_append_u64(&text, r->route->timeout_ms);
  buf_append_z(&text, " ms; the work may still finish, so look before you try again");
  log_warn(r->route->owner->id, "route \"%.*s\" did not answer within %u ms: 504", (int)r->route->facts.operation_id.len,
           r->route->facts.operation_id.ptr, r->route->timeout_ms);
  if (request_cancel(r, BP_CANCEL_TIMEOUT))
    family_reply_text(x, family, 504, buf_str(&text));
  buf_release(&text);
}

static void expire_if_due(struct request *r) {
  if (r->deadline_ms <= loop_now_ms())
    time_out(r);
}

void deferred_expire(void) {
  request_each_deferred(NULL, expire_if_due);
  for (struct request *r = deferred.first; r; r = r->next)
    arm(r->deadline_ms);
}

/* Plugin code runs inside `each` and may end any request or defer new ones, so the walk goes over handles taken first. */
void request_each_deferred(const struct plugin *owner, void (*each)(struct request *r)) {
  struct buf handles = {0};
  for (const struct request *r = deferred.first; r; r = r->next)
    if (!owner || r->route->owner == owner)
      buf_append(&handles, &r->handle, sizeof(r->handle));
  for (size_t at = 0; at < handles.len; at += sizeof(bp_request)) {
    bp_request handle;
    memcpy(&handle, handles.data + at, sizeof(handle));
    struct request *r = request_find(handle);
    if (r && r->phase == REQUEST_DEFERRED)
      each(r);
  }
  buf_release(&handles);
}

void deferred_release(void) {
  if (deferred.timer)
    event_free(deferred.timer);
  deferred.timer = NULL;
  deferred.wakes_ms = 0;
}
