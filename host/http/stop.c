/* The graceful stop: no new connections, running requests finish, idle connections close; at the end of the grace the rest
 * is cut off. Connections that were taken over are their owners' to close. */
#include "http/sweep.h"
#include "http/wire.h"
#include "loop/loop.h"

static struct {
  bool is_stopping, is_done;
  void (*done)(void *arg);
  void *arg;
  struct event grace;
} stop;

bool wire_is_stopping(void) {
  return stop.is_stopping;
}

static bool is_running(const struct http_connection *c) {
  return !c->is_taken && c->list != WAIT_LINGER;
}

static struct http_connection *find_running(void) {
  for (enum wait_list list = 0; list < WAIT_LISTS; list++)
    for (struct http_connection *c = sweep_oldest(list); c; c = c->later)
      if (is_running(c))
        return c;
  return NULL;
}

static void finish(void) {
  stop.is_done = true;
  evtimer_del(&stop.grace);
  loop_post(stop.done, stop.arg);
}

void wire_check_stopped(void) {
  if (stop.is_stopping && !stop.is_done && !find_running())
    finish();
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  struct http_connection *c;
  while ((c = find_running()))
    connection_fail(c, HTTP_GONE_STOPPING);
  wire_check_stopped();
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
  wire_check_stopped();
}
