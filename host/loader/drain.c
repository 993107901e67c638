/* The drain of one plugin as a small state machine on the loop; see drain.h.
 *
 *   asked     its own drain() said BP_E_BUSY: until `drained` or the deadline
 *   settling  everything is revoked; until work, store units and deferred requests have ended
 *   finish    destroy, give memory back, unmap */
#include "loader/drain.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/config.h"
#include "live/live.h"
#include "loader/loader.h"
#include "loader/stray.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "proc/proc.h"
#include "router/router.h"
#include "store/store.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_POLL_MS 10
#define SETTLE_LEAST_MS 2000  /* even when the plugin's own drain took all the time */
#define STRAY_PATIENCE_MS 500 /* a joined thread may still be listed for a moment */

struct drain {
  struct drain *next;
  struct plugin *plugin;
  bool ends_failed;
  bool is_settling;
  int64_t deadline_ms;
  int64_t stray_deadline_ms;
  struct event *timer;
  void (*done)(void *arg);
  void *arg;
};

static struct drain *drains;
static bool has_left_work;

static struct drain *drain_find(const struct plugin *plugin) {
  for (struct drain *d = drains; d; d = d->next)
    if (d->plugin == plugin)
      return d;
  return NULL;
}

bool drain_left_work(void) {
  return has_left_work;
}

static void arm(struct drain *d, int64_t delay_ms) {
  if (delay_ms < 0)
    delay_ms = 0;
  struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000), .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};
  event_add(d->timer, &delay);
}

/* ---- finish ---- */

static void destroy(struct plugin *plugin) {
  if (plugin->state && plugin->descriptor.destroy) {
    struct culprit frame;
    culprit_enter(&frame, plugin, "destroy", BP_LIT(""));
    plugin->descriptor.destroy(plugin->state);
    culprit_leave(&frame);
  }
  plugin->state = NULL;
}

static void forget(struct plugin *plugin) {
  doc_forget(plugin->handle);
  live_remove(plugin);
  store_remove(plugin);
  family_revoke_all(plugin);
  config_forget(plugin);
}

static void release_image(struct plugin *plugin, bool can_unmap) {
  if (can_unmap)
    image_close(plugin->image);
  else
    image_abandon(plugin->image);
  plugin->image = NULL;
  memset(&plugin->descriptor, 0, sizeof(plugin->descriptor)); /* its strings and arrays are the image's */
}

static void unlink_drain(struct drain *d) {
  struct drain **at = &drains;
  while (*at != d)
    at = &(*at)->next;
  *at = d->next;
}

/* `is_quiet`: nothing of the plugin is pending. Otherwise its state is left alone too: something may still use it. */
static void finish(struct drain *d, bool is_quiet) {
  struct plugin *plugin = d->plugin;
  if (is_quiet)
    destroy(plugin);
  forget(plugin);
  plugin_revoke_all(plugin);
  if (plugin->left_thread)
    log_error(plugin->id, "plugin \"%s\" left a thread running after its destroy: its code stays mapped; join every thread in drain or destroy",
              plugin->id);
  release_image(plugin, is_quiet && !plugin->left_thread);
  unlink_drain(d);
  event_free(d->timer);
  void (*done)(void *arg) = d->done;
  void *arg = d->arg;
  plugin->phase = d->ends_failed ? PLUGIN_FAILED : PLUGIN_GONE;
  log_debug(plugin->id, "is %s", plugin_phase_name(plugin->phase));
  if (!d->ends_failed)
    plugin_retire(plugin);
  free(d);
  if (done)
    done(arg);
}

/* ---- settling ---- */

static unsigned pending(const struct plugin *plugin) {
  return workers_pending(plugin) + store_pending(plugin) + router_pending(plugin) + proc_pending(plugin);
}

/* Destroys the state first where that is safe: a thread that destroy joins is no stray. */
static bool is_stray_settled(struct drain *d) {
  struct plugin *plugin = d->plugin;
  destroy(plugin);
  plugin->left_thread = stray_is_running(plugin);
  if (!plugin->left_thread)
    return true;
  if (!d->stray_deadline_ms)
    d->stray_deadline_ms = loop_now_ms() + STRAY_PATIENCE_MS;
  return loop_now_ms() >= d->stray_deadline_ms;
}

static void settle(struct drain *d) {
  unsigned left = pending(d->plugin);
  if (left == 0) {
    if (is_stray_settled(d))
      finish(d, true);
    else
      arm(d, SETTLE_POLL_MS);
    return;
  }
  if (loop_now_ms() < d->deadline_ms) {
    arm(d, SETTLE_POLL_MS);
    return;
  }
  log_error(d->plugin->id, "plugin \"%s\" still had %u calls pending when its drain ran out of time: its code stays mapped", d->plugin->id, left);
  has_left_work = true;
  finish(d, false);
}

/* No code of the plugin is entered from outside any more, except to end what it has begun. */
static void cut(struct drain *d) {
  struct plugin *plugin = d->plugin;
  d->is_settling = true;
  if (d->deadline_ms < loop_now_ms() + SETTLE_LEAST_MS)
    d->deadline_ms = loop_now_ms() + SETTLE_LEAST_MS;
  router_remove(plugin);
  router_cancel(plugin);
  plugin_revoke_all(plugin);
  workers_cancel(plugin);
  store_cancel(plugin);
  settle(d);
}

/* ---- asked ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct drain *d = arg;
  (void)fd;
  (void)what;
  if (d->is_settling) {
    settle(d);
    return;
  }
  log_error(d->plugin->id, "plugin \"%s\" did not finish its drain in time: going on without it", d->plugin->id);
  cut(d);
}

static void on_drained(void *arg) {
  struct drain *d = drain_find(arg);
  if (d && !d->is_settling)
    cut(d);
}

void drain_finished_by_plugin(bp_plugin self) {
  struct plugin *plugin = plugin_get(self);
  if (plugin && !__atomic_exchange_n(&plugin->said_drained, true, __ATOMIC_ACQ_REL))
    loop_post(on_drained, plugin);
}

static bp_status ask(struct plugin *plugin) {
  if (!plugin->descriptor.drain)
    return BP_OK;
  struct culprit frame;
  culprit_enter(&frame, plugin, "drain", BP_LIT(""));
  bp_status status = plugin->descriptor.drain(plugin->state);
  culprit_leave(&frame);
  return status;
}

void drain_begin(struct plugin *plugin, bool failed, int64_t deadline_ms, void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  struct drain *d = drain_find(plugin);
  if (d) {
    d->done = done;
    d->arg = arg;
    return;
  }
  bool was_started = plugin->phase == PLUGIN_STARTED;
  d = mem_alloc(sizeof(*d));
  *d = (struct drain){.next = drains, .plugin = plugin, .ends_failed = failed, .deadline_ms = deadline_ms, .done = done, .arg = arg};
  drains = d;
  d->timer = evtimer_new(loop_base(), on_timer, d);
  plugin->phase = PLUGIN_DRAINING; /* from here the router answers its routes with 503 */
  if (was_started && ask(plugin) == BP_E_BUSY)
    arm(d, deadline_ms - loop_now_ms());
  else
    cut(d);
}
