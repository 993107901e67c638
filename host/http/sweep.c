/* Deadlines; see sweep.h. The timer is set for the earliest deadline, never sooner than a quarter of a second from now, and
 * not at all while nothing has a deadline. */
#include "http/sweep.h"
#include "http/bulk.h"
#include "http/departed.h"
#include "http/limits.h"
#include "loop/loop.h"

#define COARSE_MS 250
#define LINGER_MS 2000
#define UNREAD_MS 500
#define RATE_GRACE_MS 5000

static struct { struct http_connection *oldest, *newest; } lists[WAIT_LISTS];

static struct event timer;
static int64_t armed_ms; /* 0: not armed */

/* A slow body is looked at several times before it is idle for too long. */
static int64_t timeout_ms(enum wait_list list) {
  switch (list) {
  case WAIT_IDLE:
    return http_limits.keep_alive_ms;
  case WAIT_HEAD:
    return http_limits.header_deadline_ms;
  case WAIT_BODY:
    return http_limits.body_idle_ms / 6 + 1;
  case WAIT_STALL:
    return http_limits.write_stall_ms;
  case WAIT_UNREAD:
    return UNREAD_MS;
  case WAIT_LINGER:
    return LINGER_MS;
  case WAIT_HANDLER:
  case WAIT_LISTS:
    break;
  }
  return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

static void arm(int64_t deadline_ms) {
  int64_t delay_ms = deadline_ms - loop_now_ms();
  if (delay_ms < COARSE_MS)
    delay_ms = COARSE_MS;
  if (armed_ms && armed_ms <= loop_now_ms() + delay_ms)
    return;
  if (!armed_ms)
    evtimer_assign(&timer, loop_base(), on_timer, NULL);
  struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
  evtimer_add(&timer, &delay);
  armed_ms = loop_now_ms() + delay_ms;
}

void sweep_leave(struct http_connection *c) {
  if (c->list == WAIT_LISTS)
    return;
  if (c->earlier)
    c->earlier->later = c->later;
  else if (lists[c->list].oldest == c)
    lists[c->list].oldest = c->later;
  if (c->later)
    c->later->earlier = c->earlier;
  else if (lists[c->list].newest == c)
    lists[c->list].newest = c->earlier;
  c->earlier = c->later = NULL;
  c->list = WAIT_LISTS;
}

void sweep_enter(struct http_connection *c, enum wait_list list) {
  sweep_leave(c);
  c->list = (uint8_t)list;
  c->earlier = lists[list].newest;
  if (c->earlier)
    c->earlier->later = c;
  else
    lists[list].oldest = c;
  lists[list].newest = c;
  if (list == WAIT_HANDLER)
    return;
  c->deadline_ms = loop_now_ms() + timeout_ms(list);
  if (!armed_ms || c->deadline_ms < armed_ms)
    arm(c->deadline_ms);
}

void sweep_rest(void) {
  if (armed_ms)
    evtimer_del(&timer);
  armed_ms = 0;
}

struct http_connection *sweep_oldest(enum wait_list list) {
  return lists[list].oldest;
}

static void expire_head(struct http_connection *c) {
  struct exchange *x = exchange_new(c);
  wire.counters.timeouts++;
  if (!x) {
    connection_destroy(c);
    return;
  }
  exchange_refuse(x, 408, "the request head did not arrive in time");
  connection_work(c, bp_str_make(NULL, 0));
}

static const char *why_too_slow(const struct body *body) {
  int64_t now_ms = loop_now_ms();
  if (now_ms - body->last_ms >= http_limits.body_idle_ms)
    return "the request body did not arrive in time";
  int64_t elapsed_ms = now_ms - body->started_ms;
  uint64_t wanted = (uint64_t)elapsed_ms * http_limits.body_min_rate / 1000;
  if (elapsed_ms >= RATE_GRACE_MS && body->received - body->rated_from < wanted)
    return "the request body arrives too slowly";
  return NULL;
}

static void expire_body(struct http_connection *c) {
  const char *why = c->reading ? why_too_slow(&c->reading->body) : NULL;
  if (!why) {
    sweep_enter(c, WAIT_BODY);
    return;
  }
  wire.counters.timeouts++;
  exchange_refuse(c->reading, 408, why);
  connection_work(c, bp_str_make(NULL, 0));
}

static void expire_stall(struct http_connection *c) {
  wire.counters.timeouts++;
  connection_fail(c, HTTP_GONE_TIMEOUT);
}

/* An owner of a raw connection gets what the client sent before it left, once it reads again. */
static void expire_unread(struct http_connection *c) {
  bool is_gone = c->is_taken ? peer_has_reset(connection_fd(c)) : peer_has_departed(connection_fd(c));
  if (is_gone)
    connection_fail(c, HTTP_GONE_CLIENT);
  else
    sweep_enter(c, WAIT_UNREAD);
}

static void (*const expire[WAIT_LISTS])(struct http_connection *c) = {
    [WAIT_IDLE] = connection_destroy, [WAIT_HEAD] = expire_head,     [WAIT_BODY] = expire_body,
    [WAIT_STALL] = expire_stall,      [WAIT_UNREAD] = expire_unread, [WAIT_LINGER] = connection_destroy,
};

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  int64_t now_ms = loop_now_ms(), earliest_ms = 0;
  armed_ms = now_ms; /* not set before the end, below */
  for (unsigned list = 0; list < WAIT_HANDLER; list++) {
    while (lists[list].oldest && lists[list].oldest->deadline_ms <= now_ms)
      expire[list](lists[list].oldest);
    if (lists[list].oldest && (earliest_ms == 0 || lists[list].oldest->deadline_ms < earliest_ms))
      earliest_ms = lists[list].oldest->deadline_ms;
  }
  armed_ms = 0;
  if (earliest_ms)
    arm(earliest_ms);
  bulk_rest(now_ms);
}
