/* From the end of a child's leader to its `exited`, or to its next start; see child.h. */
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/cgroup.h"
#include "proc/child.h"
#include "proc/facts.h"
#include "proc/quarry.h"
#include "proc/surviving.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The last step: told, then gone or waiting ---- */

static bool starts_again(struct child *child) {
  uint32_t delay_ms = 0;
  bool has_failed = child->is_recycled || child->exit.code != 0 || child->exit.signal != 0;
  bool can_start = (!child->is_stopping || child->is_recycled) && child->owned.owner && child->spec.argv;
  uint32_t policy = child->is_recycled && child->spec.restart == BP_RESTART_NEVER ? BP_RESTART_ON_FAILURE : child->spec.restart;
  if (!can_start)
    return false;
  int64_t now_ms = loop_now_ms();
  if (!restart_after(&child->restart, policy, has_failed, now_ms, now_ms - child->started_ms, &delay_ms)) {
    if (policy != BP_RESTART_NEVER && has_failed)
      log_warn(child->plugin_id, "child \"%s\" ended too often within a minute: it is not started again", child->spec.name);
    return false;
  }
  if (child->is_recycled) { /* as if it had ended by itself */
    child->is_stopping = child->is_recycled = false;
    child->why = BP_PROC_ENDED;
  }
  child->exit.will_restart = 1;
  child->exit.restart_in_ms = delay_ms;
  return true;
}

static void tell_exited(struct child *child) {
  bp_proc_exit result = child->exit;
  struct plugin *told = child->owned.owner ? child->owned.owner : child->drains;
  if (!told || !child->events.exited)
    return;
  struct culprit culprit;
  culprit_enter(&culprit, told, "process exited", str_from(child->spec.name));
  child->events.exited(child->ctx, child->handle, &result);
  culprit_leave(&culprit);
}

static void finish(struct child *child) {
  child->phase = CHILD_WAITING;
  if (starts_again(child)) {
    const struct timeval delay = {.tv_sec = child->exit.restart_in_ms / 1000, .tv_usec = (suseconds_t)(child->exit.restart_in_ms % 1000) * 1000};
    evtimer_add(&child->timer, &delay);
    tell_exited(child);
    return;
  }
  if (child->spec.lifetime == BP_PROC_SURVIVING)
    surviving_forget(child);
  child_disown_handle(child);
  tell_exited(child);
  child_free(child);
  if (children_count() == 0 && fact_has_other_child(NULL, 0) && quarries_running() == 0)
    quarry_begin(&(struct quarry){.rule = quarry_is_stray});
}

void child_start_again(struct child *child) {
  bp_error err = BP_ERROR_INIT;
  if (child->is_stopping) {
    child->exit.why = child->why;
    child->exit.will_restart = 0;
    finish(child);
    return;
  }
  if (child_start(child, &err) == BP_OK)
    return;
  log_warn(child->plugin_id, "child \"%s\" could not be started again: %s", child->spec.name, err.message);
  child->started_ms = loop_now_ms();
  finish(child);
}

/* ---- Its last output ---- */

static bool has_open_stream(const struct child *child) {
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    if (child->spouts[i].is_open)
      return true;
  return false;
}

void child_stream_ended(void *ctx) {
  struct child *child = ctx;
  if (child->phase != CHILD_EMPTYING || has_open_stream(child))
    return;
  child_tell_started(child);
  finish(child);
}

static void begin_emptying(struct child *child) {
  cgroup_kill(child->marker); /* whatever hid so well that it was not found */
  cgroup_remove(child->marker);
  child->phase = CHILD_EMPTYING;
  if (!has_open_stream(child)) {
    child_stream_ended(child);
    return;
  }
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    spout_finish(&child->spouts[i]);
}

/* ---- What it left behind ---- */

static void hunt_done(void *ctx) {
  struct child *child = ctx;
  child->quarry = NULL;
  if (child->phase == CHILD_ENDING)
    begin_emptying(child);
}

void child_hunt(struct child *child) {
  struct quarry wanted = {
      .rule = quarry_is_marked,
      .leader = child->pid ? child->pid : child->exit_pid,
      .leader_started = child->started,
      .kill_at_ms = child->is_stopping ? child->kill_at_ms : loop_now_ms() + child->spec.grace_ms,
      .done = hunt_done,
      .ctx = child,
  };
  for (size_t i = 0; i < sizeof(wanted.marker); i++)
    wanted.marker[i] = child->marker[i];
  child->quarry = quarry_begin(&wanted);
}

/* Whatever outlives its parent becomes a child of ours, so that without an unknown child of ours there is nothing to look
 * for. What an earlier run of the host started has other foster parents. */
static bool may_have_left_something(const struct child *child) {
  size_t count;
  pid_t *known = children_pids(&count, 0);
  bool is_likely = child->is_foreign || fact_has_other_child(known, count);
  free(known);
  return is_likely;
}

/* ---- The leader ---- */

static bool read_exit(struct child *child) {
  siginfo_t info = {0};
  child->exit = (bp_proc_exit){.size = sizeof(child->exit), .code = -1, .why = child->why};
  if (child->is_foreign) {
    child->exit.is_unknown = 1;
    return true;
  }
  if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) != 0) {
    child->exit.is_unknown = 1; /* somebody else has waited for it */
    return true;
  }
  if (info.si_pid == 0)
    return false;
  if (info.si_code == CLD_EXITED)
    child->exit.code = info.si_status;
  else
    child->exit.signal = info.si_status;
  return true;
}

void child_leader_ended(struct child *child) {
  if (child->phase != CHILD_RUNNING || !read_exit(child))
    return;
  child_tell_started(child);
  event_del(&child->exit_event);
  close(child->pidfd);
  child->pidfd = -1;
  child->exit_pid = child->pid;
  child->pid = 0;
  child->phase = CHILD_ENDING;
  evtimer_del(&child->timer);
  health_end(&child->health);
  inlet_close(&child->input);
  if (child->quarry)
    return; /* its end is ours */
  if (may_have_left_something(child))
    child_hunt(child);
  else
    begin_emptying(child);
}
