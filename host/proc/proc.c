/* Start and stop of everything about children; see proc.h. */
#include "proc/proc.h"
#include "base/fail.h"
#include "base/log.h"
#include "live/topic_log.h"
#include "loop/loop.h"
#include "proc/cgroup.h"
#include "proc/child.h"
#include "proc/follow.h"
#include "proc/quarry.h"
#include "proc/reap.h"
#include "proc/stranger.h"
#include "proc/surviving.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define STOP_DEADLINE_MS 2000
#define STOP_LOOK_MS 10

static struct {
  struct event *timer;
  int64_t deadline_ms;
  void (*done)(void *arg);
  void *arg;
} stopping;

/* ---- Start ---- */

/* The marks of surviving children that run; read by the sweep's worker. */
static char (*kept_markers)[MARKER_BYTES];
static size_t kept_count;

static void keep_markers(void) {
  kept_markers = calloc(children_count() + 1, sizeof(*kept_markers));
  kept_count = 0;
  for (const struct child *child = children_first(); child && kept_markers; child = child->next)
    memcpy(kept_markers[kept_count++], child->marker, sizeof(child->marker));
}

static bool is_left_over(const struct quarry *quarry, const struct proc_fact *fact) {
  char marker[MARKER_BYTES];
  (void)quarry;
  if (!fact_environment(fact->pid, MARKER_NAME, marker, sizeof(marker)) || !marker_is_of_earlier_run(marker))
    return false;
  for (size_t i = 0; i < kept_count; i++)
    if (strcmp(kept_markers[i], marker) == 0)
      return false;
  return true;
}

static void swept(void *ctx) {
  (void)ctx;
  free(kept_markers);
  kept_markers = NULL;
  kept_count = 0;
}

/* A closed 0, 1 or 2 would be handed out for a pipe, and a child's descriptors would overwrite each other. */
static void fill_standard_descriptors(void) {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd < 3)
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
}

bp_status proc_init(const char *state_dir, bp_error *err) {
  LOOP_MAIN();
  fill_standard_descriptors();
  bp_status status = marker_init(state_dir, err);
  if (status != BP_OK)
    return status;
  if (!reap_init())
    return fail(err, BP_E_IO, "cannot watch child processes: %s", strerror(errno));
  cgroup_init(CGROUP_ROOT);
  surviving_load(state_dir);
  keep_markers();
  quarry_begin(&(struct quarry){.rule = is_left_over, .done = swept});
  return BP_OK;
}

/* ---- Stop ---- */

unsigned proc_pending(const struct plugin *plugin) {
  unsigned count = 0;
  for (const struct child *child = children_first(); child; child = child->next)
    count += child->drains == plugin;
  return count;
}

static unsigned bound_left(void) {
  unsigned count = 0;
  for (const struct child *child = children_first(); child; child = child->next)
    count += child->spec.lifetime == BP_PROC_BOUND;
  return count;
}

void proc_kill_all(void) {
  for (struct child *child = children_first(); child; child = child->next)
    if (child->spec.lifetime == BP_PROC_BOUND)
      child_kill(child);
  quarries_hasten();
}

static void look(evutil_socket_t fd, short what, void *arg) {
  const struct timeval pause = {.tv_usec = STOP_LOOK_MS * 1000};
  (void)fd;
  (void)what;
  (void)arg;
  unsigned left = bound_left();
  bool is_over = loop_now_ms() >= stopping.deadline_ms;
  if ((left > 0 || quarries_running() > 0) && !is_over) {
    evtimer_add(stopping.timer, &pause);
    return;
  }
  if (left > 0)
    log_warn("proc", "%u children did not end in time", left);
  event_free(stopping.timer);
  stopping.timer = NULL;
  stopping.done(stopping.arg);
}

void proc_stop(void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  stopping.done = done;
  stopping.arg = arg;
  stopping.deadline_ms = loop_now_ms() + STOP_DEADLINE_MS;
  stopping.timer = evtimer_new(loop_base(), look, NULL);
  proc_kill_all();
  event_active(stopping.timer, EV_TIMEOUT, 0);
}

void proc_release(void) {
  strangers_release();
  quarries_release();
  children_release();
  topic_logs_release();
  follow_release();
  cgroup_release();
  reap_release();
  swept(NULL);
}
