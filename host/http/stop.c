/* The graceful stop: no new connections, running requests finish, idle connections close; at the end of the grace the rest
 * is cut off. Connections that were taken over are their owners' to close. */
#include "http/sweep.h"
#include "http/wire.h"
#include "loop/loop.h"

static struct {
  bool is_stopping, is_done;
  uint32_t awaited; /* connections the stop has to wait for */
  void (*done)(void *arg);
  void *arg;
  struct event grace;
} stop;

bool wire_is_stopping(void) {
  return stop.is_stopping;
}

static void finish_if_alone(void) {
  if (!stop.is_stopping || stop.is_done || stop.awaited)
    return;
  stop.is_done = true;
  evtimer_del(&stop.grace);
  loop_post(stop.done, stop.arg);
}

void stop_await(struct http_connection *c) {
  c->is_awaited = true;
  stop.awaited++;
}

void stop_forget(struct http_connection *c) {
  if (!c->is_awaited)
    return;
  c->is_awaited = false;
  stop.awaited--;
  finish_if_alone();
}

static struct http_connection *find_awaited(void) {
  for (enum wait_list list = 0; list < WAIT_LISTS; list++)
    for (struct http_connection *c = sweep_oldest(list); c; c = c->later)
      if (c->is_awaited)
        return c;
  return NULL;
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  struct http_connection *c;
  while ((c = find_awaited()))
    connection_fail(c, HTTP_GONE_STOPPING);
}

void http_stop(int64_t grace_ms, void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  while (http_listeners())
    http_unlisten(http_listeners());
  stop.is_stopping = true;
  stop.is_done = false;
  stop.done = done;
  stop.arg = arg;
  evtimer_assign(&stop.grace, loop_base(), on_grace_over, NULL);
  struct timeval grace = {.tv_sec = (time_t)(grace_ms / 1000), .tv_usec = (suseconds_t)(grace_ms % 1000 * 1000)};
  evtimer_add(&stop.grace, &grace);
  while (!stop.is_done && sweep_oldest(WAIT_IDLE))
    connection_destroy(sweep_oldest(WAIT_IDLE));
  finish_if_alone();
}
