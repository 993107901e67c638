/* Waiting for what modules read as they start; see first_reads.h. */
#include "loader/first_reads.h"
#include "base/log.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "store/store.h"

static struct {
  struct loop_hook look; /* somebody's last one has come */
  struct event *limit;
  void (*done)(void);
} reads;

void first_reads_note(struct plugin *plugin) {
  plugin->in_first_reads = true;
}

static bool is_reading(const struct plugin *plugin) {
  return plugin->in_first_reads && store_pending(plugin) > 0;
}

static bool is_any_reading(void) {
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    if (is_reading(p))
      return true;
  return false;
}

static void watch(struct loop_hook *hook) {
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    store_when_idle(p, p->in_first_reads ? hook : NULL);
}

static void over(void) {
  watch(NULL);
  for (struct plugin *p = plugin_first(); p; p = p->next)
    p->in_first_reads = false;
  if (reads.limit) {
    loop_tick_forget(&reads.look);
    event_free(reads.limit);
    reads.limit = NULL;
  }
  reads.done();
}

static void look(void *arg) {
  (void)arg;
  if (!is_any_reading())
    over();
}

static void stop_waiting(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    if (is_reading(p))
      log_info(p->id, "still reads what it keeps, and serves meanwhile");
  over();
}

void first_reads_await(void (*done)(void)) {
  static const struct timeval limit = {.tv_sec = FIRST_READS_MS / 1000, .tv_usec = FIRST_READS_MS % 1000 * 1000};
  LOOP_MAIN();
  reads.done = done;
  if (!is_any_reading()) {
    over();
    return;
  }
  reads.look = (struct loop_hook){.fn = look};
  reads.limit = evtimer_new(loop_base(), stop_waiting, NULL);
  evtimer_add(reads.limit, &limit);
  watch(&reads.look);
}
