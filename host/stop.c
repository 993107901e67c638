/* Stopping, one part after the other, and the signals that ask for it; see run_state.h. */
#include "base/log.h"
#include "host.h"
#include "http/listener.h"
#include "live/live.h"
#include "loader/events.h"
#include "loader/loader.h"
#include "loop/loop.h"
#include "notify.h"
#include "proc/proc.h"
#include "run_state.h"

#include <signal.h>

#define STOP_REQUESTS_MS 10000
#define STOP_IN_ALL_SECONDS 15

static void stopped(void *arg) {
  (void)arg;
  loop_stop();
}

static void stop_children(void *arg) {
  (void)arg;
  proc_stop(stopped, NULL);
}

static void stop_modules(void *arg) {
  (void)arg;
  loader_stop(stop_children, NULL);
}

static void stop_live(void *arg) {
  (void)arg;
  live_stop(stop_modules, NULL);
}

/* Whatever still waits is left; what was acknowledged is in the store already. */
static void cut_short(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  running.was_cut_short = true;
  loop_stop();
}

void host_stop(void) {
  const struct timeval in_all = {.tv_sec = STOP_IN_ALL_SECONDS};
  if (host_run.is_stopping)
    return;
  host_run.is_stopping = true;
  host_run.is_ready = false;
  log_info("host", "stopping");
  notify_stopping();
  events_emit(BP_LIT("bp.stopping"), BP_LIT("{}"), NULL);
  loader_stopping();
  running.stop_guard = evtimer_new(loop_base(), cut_short, NULL);
  evtimer_add(running.stop_guard, &in_all);
  http_stop(STOP_REQUESTS_MS, stop_live, NULL);
}

static void on_stop_signal(evutil_socket_t number, short what, void *arg) {
  (void)number;
  if (!host_run.is_stopping) {
    host_stop();
    return;
  }
  log_warn("host", "stopping at once: told so twice");
  cut_short(-1, what, arg);
}

static void on_reload_signal(evutil_socket_t number, short what, void *arg) {
  (void)number;
  (void)what;
  (void)arg;
  host_reload(NULL);
}

void stop_watch_signals(void) {
  const struct {
    int number;
    event_callback_fn fn;
  } watched[] = {{SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal}, {SIGHUP, on_reload_signal}};
  for (unsigned i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
    running.signals[i] = evsignal_new(loop_base(), watched[i].number, watched[i].fn, NULL);
    event_add(running.signals[i], NULL);
  }
}

void stop_release(void) {
  for (unsigned i = 0; i < sizeof(running.signals) / sizeof(running.signals[0]); i++)
    if (running.signals[i])
      event_free(running.signals[i]);
  if (running.stop_guard)
    event_free(running.stop_guard);
}
