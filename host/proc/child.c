/* The table of children, their owners, and stopping them; see child.h. Starting is child_start.c, ending child_end.c. */
#include "proc/child.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/cgroup.h"
#include "proc/quarry.h"
#include "proc/surviving.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHILDREN_MAX 512u
#define STARTS_A_SECOND_MAX 100u

static struct {
  struct slots handles;
  struct child *first;
  unsigned count;
  int64_t second; /* the window of `starts` */
  unsigned starts;
} children;

struct child *children_first(void) {
  return children.first;
}

unsigned children_count(void) {
  return children.count;
}

struct child *child_by_handle(bp_proc handle) {
  return slots_get(&children.handles, handle);
}

struct child *child_by_pid(pid_t pid) {
  for (struct child *child = children.first; child; child = child->next)
    if (child->pid == pid)
      return child;
  return NULL;
}

struct child *child_by_name(const char *plugin_id, bp_str name) {
  for (struct child *child = children.first; child; child = child->next)
    if (child->spec.lifetime == BP_PROC_SURVIVING && strcmp(child->plugin_id, plugin_id) == 0 && str_eq(str_from(child->spec.name), name))
      return child;
  return NULL;
}

static int by_number(const void *a, const void *b) {
  pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
  return (left > right) - (left < right);
}

pid_t *children_pids(size_t *ret_count, pid_t except) {
  size_t count = 0;
  pid_t *pids = mem_array(children.count + 1, sizeof(*pids));
  for (const struct child *child = children.first; child; child = child->next)
    if (child->pid && child->pid != except)
      pids[count++] = child->pid;
  qsort(pids, count, sizeof(*pids), by_number);
  *ret_count = count;
  return pids;
}

/* ---- What a plugin is told ---- */

void child_tell_started(struct child *child) {
  if (child->is_told || !child->pid)
    return;
  child->is_told = true;
  if (!child->owned.owner || !child->events.started)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, child->owned.owner, "process started", str_from(child->spec.name));
  child->events.started(child->ctx, child->handle, child->pid);
  culprit_leave(&culprit);
}

static void tell_output(struct child *child, uint32_t stream, bp_str data) {
  if (!child->owned.owner || !child->events.output)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, child->owned.owner, "process output", str_from(child->spec.name));
  child->events.output(child->ctx, child->handle, stream, data);
  culprit_leave(&culprit);
}

static void input_drained(void *ctx) {
  struct child *child = ctx;
  if (!child->owned.owner || !child->events.stdin_drained)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, child->owned.owner, "process input", str_from(child->spec.name));
  child->events.stdin_drained(child->ctx, child->handle);
  culprit_leave(&culprit);
}

/* The plugin hears first: it may stop the child itself. */
static void health_changed(void *ctx, uint32_t state, bp_str reason) {
  struct child *child = ctx;
  bool is_bad = state == BP_HEALTH_UNHEALTHY;
  if (is_bad)
    log_warn(child->plugin_id, "child \"%s\" is unhealthy: %.*s", child->spec.name, (int)reason.len, reason.ptr);
  if (child->owned.owner && child->events.health) {
    struct culprit culprit;
    culprit_enter(&culprit, child->owned.owner, "process health", str_from(child->spec.name));
    child->events.health(child->ctx, child->handle, state, reason);
    culprit_leave(&culprit);
  }
  if (!is_bad || !child->spec.probe.restarts || child->phase != CHILD_RUNNING || child->is_stopping)
    return;
  child_stop(child, BP_PROC_UNHEALTHY);
  child->is_recycled = true;
}

/* ---- Output ---- */

static void output_came(void *ctx, size_t bytes) {
  struct child *child = ctx;
  child->output_bytes += bytes;
  if (child->spec.output_limit_bytes && child->output_bytes > child->spec.output_limit_bytes)
    child_stop(child, BP_PROC_OUTPUT_LIMIT);
}

static bool is_raw(const struct child *child) {
  return child->spec.flags & BP_PROC_RAW_OUTPUT;
}

static void output_taken(void *ctx, uint32_t stream, bp_str data) {
  struct child *child = ctx;
  child_tell_started(child);
  if (!child->owned.owner || (child->is_stopping && child->why == BP_PROC_OUTPUT_LIMIT))
    return;
  tail_ring_add(&child->ring, data);
  if (!is_raw(child))
    tail_ring_add(&child->ring, BP_LIT("\n"));
  if (!feed_add(&child->feeds[stream - 1], data))
    child_pace(child);
  tell_output(child, stream, data);
}

void child_pace(struct child *child) {
  bool is_full = false;
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    is_full = is_full || feed_is_full(&child->feeds[i]);
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    spout_pause(&child->spouts[i], child->is_paused || is_full);
}

static void feed_has_room(void *ctx) {
  child_pace(ctx);
}

static void set_feeds(struct child *child) {
  for (unsigned i = 0; i < CHILD_STREAMS; i++) {
    struct feed *feed = &child->feeds[i];
    feed->owner = child->owned.owner ? child->owned.owner->handle : 0;
    feed->topic = child->owned.owner ? str_from(child->spec.log_topic) : bp_str_make(NULL, 0);
    feed->key = str_from(child->spec.log_key);
    feed->stream = i == 0 ? BP_LIT("stdout") : BP_LIT("stderr");
  }
}

/* ---- Making and giving away ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct child *child = arg;
  (void)fd;
  (void)what;
  if (child->phase == CHILD_WAITING)
    child_start_again(child);
  else if (child->phase == CHILD_RUNNING && child->is_stopping)
    child_kill(child);
  else if (child->phase == CHILD_RUNNING)
    child_stop(child, BP_PROC_TIMED_OUT);
}

/* The handle is stale before the plugin hears of the end. */
void child_disown_handle(struct child *child) {
  slots_remove(&children.handles, child->handle);
}

static struct child *child_new(char *plugin_id) {
  struct child *child = mem_alloc(sizeof(*child));
  child->plugin_id = plugin_id;
  child->pidfd = -1;
  child->reader = (struct spout_reader){.take = output_taken, .came = output_came, .ended = child_stream_ended, .ctx = child};
  child->input = (struct inlet){.fd = -1, .drained = input_drained, .ctx = child};
  evtimer_assign(&child->timer, loop_base(), on_timer, child);
  health_init(&child->health, health_changed, child);
  for (unsigned i = 0; i < CHILD_STREAMS; i++) {
    child->spouts[i].fd = -1;
    child->feeds[i].has_room = feed_has_room;
    child->feeds[i].ctx = child;
    feed_init(&child->feeds[i]);
  }
  child->next = children.first;
  children.first = child;
  children.count++;
  return child;
}

void child_free(struct child *child) {
  struct child **at = &children.first;
  while (*at != child)
    at = &(*at)->next;
  *at = child->next;
  children.count--;
  if (child->handle)
    slots_remove(&children.handles, child->handle);
  owned_remove(&child->owned);
  surviving_close(child);
  inlet_close(&child->input);
  for (unsigned i = 0; i < CHILD_STREAMS; i++) {
    spout_close(&child->spouts[i]);
    feed_release(&child->feeds[i]);
  }
  evtimer_del(&child->timer);
  health_end(&child->health);
  if (child->pidfd >= 0) {
    event_del(&child->exit_event);
    close(child->pidfd);
  }
  tail_ring_release(&child->ring);
  spec_release(&child->spec);
  free(child->plugin_id);
  free(child);
}

/* The plugin drains. A bound child is stopped, and goes on being read, so that what it says while it cleans up does not kill
 * it; of it only the end is told, which the drain waits for. A surviving one is left running, and nothing more is told. */
static void on_revoke(struct owned *owned) {
  struct child *child = (struct child *)owned;
  bool is_bound = child->spec.lifetime == BP_PROC_BOUND;
  child->drains = is_bound ? owned->owner : NULL;
  child->events = (bp_proc_events){.exited = is_bound ? child->events.exited : NULL};
  health_end(&child->health);
  owned_remove(owned);
  slots_remove(&children.handles, child->handle);
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    feed_release(&child->feeds[i]);
  set_feeds(child);
  child_pace(child);
  if (is_bound || child->phase == CHILD_WAITING)
    child_stop(child, BP_PROC_STOPPED);
  else
    surviving_close(child);
}

static bp_status give(struct child *child, struct plugin *owner, const bp_proc_events *events, void *ctx) {
  child->handle = slots_add(&children.handles, child);
  if (!child->handle)
    return BP_E_NO_MEMORY;
  if (events)
    memcpy(&child->events, events, events->size < sizeof(child->events) ? events->size : sizeof(child->events));
  child->ctx = ctx;
  owned_add(owner, &child->owned, on_revoke);
  set_feeds(child);
  return BP_OK;
}

static bp_status check_limits(bp_error *err) {
  int64_t second = loop_now_ms() / 1000;
  if (second != children.second)
    children.starts = 0;
  children.second = second;
  if (children.count >= CHILDREN_MAX)
    return fail(err, BP_E_LIMIT, "%u children run already", children.count);
  if (children.starts >= STARTS_A_SECOND_MAX)
    return fail(err, BP_E_LIMIT, "%u children were started within this second", children.starts);
  children.starts++;
  return BP_OK;
}

bp_status child_spawn(struct plugin *owner, struct spec *spec, const bp_proc_events *events, void *ctx, bp_proc *ret, bp_error *err) {
  bp_status status = BP_OK;
  if (spec->lifetime == BP_PROC_SURVIVING && child_by_name(owner->id, str_from(spec->name)))
    status = fail(err, BP_E_EXISTS, "a surviving child \"%s\" runs already: adopt it", spec->name);
  if (status == BP_OK)
    status = check_limits(err);
  if (status != BP_OK) {
    spec_release(spec);
    return status;
  }
  struct child *child = child_new(str_dupz(str_from(owner->id)));
  child->spec = *spec;
  *spec = (struct spec){0};
  status = give(child, owner, events, ctx);
  if (status == BP_OK)
    status = child_start(child, err);
  if (status != BP_OK) {
    child_free(child);
    return status;
  }
  *ret = child->handle;
  return BP_OK;
}

struct child *child_found(char *plugin_id, char *name, const char *marker, pid_t pid, int64_t started, int pidfd) {
  struct child *child = child_new(plugin_id);
  child->spec = (struct spec){.name = name, .lifetime = BP_PROC_SURVIVING, .grace_ms = SURVIVING_GRACE_MS};
  child->is_foreign = true;
  child->started = started;
  memcpy(child->marker, marker, strnlen(marker, sizeof(child->marker) - 1));
  child_runs(child, pid, pidfd);
  return child;
}

bp_status child_adopt(struct child *child, struct plugin *owner, const bp_proc_events *events, void *ctx) {
  bp_status status = give(child, owner, events, ctx);
  if (status != BP_OK)
    return status;
  child->is_told = false;
  surviving_follow(child, true);
  child_announce(child);
  return BP_OK;
}

/* ---- Stopping ---- */

static void begin_stop(struct child *child) {
  child->kill_at_ms = loop_now_ms() + child->spec.grace_ms;
  if (child->is_foreign && !child->quarry) {
    child_hunt(child);
    return;
  }
  kill(-child->pid, SIGTERM);
  kill(-child->pid, SIGCONT); /* one that is suspended hears it too */
  const struct timeval grace = {.tv_sec = child->spec.grace_ms / 1000, .tv_usec = (suseconds_t)(child->spec.grace_ms % 1000) * 1000};
  evtimer_add(&child->timer, &grace);
}

void child_stop(struct child *child, uint32_t why) {
  LOOP_MAIN();
  if (child->is_recycled)
    child->why = why;
  child->is_recycled = false;
  if (child->is_stopping)
    return;
  child->is_stopping = true;
  health_end(&child->health);
  if (child->phase != CHILD_EMPTYING)
    child->why = why;
  child->is_paused = false; /* its last output is still to come, and then its end */
  child_pace(child);
  if (child->phase == CHILD_RUNNING)
    begin_stop(child);
  else if (child->phase == CHILD_WAITING)
    event_active(&child->timer, EV_TIMEOUT, 0);
}

void child_kill(struct child *child) {
  if (!child->is_stopping)
    child_stop(child, BP_PROC_STOPPED);
  child->kill_at_ms = 0;
  if (child->phase == CHILD_RUNNING && !child->is_foreign)
    kill(-child->pid, SIGKILL);
  cgroup_kill(child->marker);
  if (child->quarry)
    quarry_hasten(child->quarry);
}

void children_release(void) {
  while (children.first)
    child_free(children.first);
  slots_release(&children.handles);
}
