/* One start of a child: its descriptors, the program, and what is watched while it runs; see child.h. */
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/loop.h"
#include "proc/cgroup.h"
#include "proc/child.h"
#include "proc/facts.h"
#include "proc/pty.h"
#include "proc/spawn.h"
#include "proc/surviving.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Both ends of everything a child talks through; -1: none. */
struct plumbing {
  int childs[3];
  int input;
  int outputs[CHILD_STREAMS];
};

static void close_one(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

/* The child's side may be one descriptor in several places. */
static void close_childs(struct plumbing *p) {
  if (p->childs[2] == p->childs[1])
    p->childs[2] = -1;
  if (p->childs[1] == p->childs[0])
    p->childs[1] = -1;
  for (int i = 0; i < 3; i++)
    close_one(&p->childs[i]);
}

static void close_all(struct plumbing *p) {
  close_childs(p);
  close_one(&p->input);
  for (int i = 0; i < CHILD_STREAMS; i++)
    close_one(&p->outputs[i]);
}

/* `ours` alone does not block. */
static bool make_pipe(int *ret_read, int *ret_write, bool is_read_ours) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return false;
  *ret_read = ends[0];
  *ret_write = ends[1];
  return fcntl(ends[is_read_ours ? 0 : 1], F_SETFL, O_NONBLOCK) == 0;
}

static bool open_terminal(const struct spec *spec, struct plumbing *p) {
  if (!pty_open(spec->rows, spec->columns, &p->outputs[0], &p->childs[0]))
    return false;
  p->childs[1] = p->childs[2] = p->childs[0];
  p->input = fcntl(p->outputs[0], F_DUPFD_CLOEXEC, 3);
  return p->input >= 0;
}

static bool open_stdin(const struct spec *spec, struct plumbing *p) {
  if (spec->flags & BP_PROC_STDIN)
    return make_pipe(&p->childs[0], &p->input, false);
  p->childs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return p->childs[0] >= 0;
}

static bool open_output(const struct child *child, unsigned stream, struct plumbing *p) {
  if (stream == 1 && (child->spec.flags & BP_PROC_MERGE_STDERR)) {
    p->childs[2] = p->childs[1];
    return true;
  }
  if (child->spec.lifetime == BP_PROC_BOUND)
    return make_pipe(&p->outputs[stream], &p->childs[1 + stream], true);
  p->childs[1 + stream] = surviving_open_output(child, stream);
  return p->childs[1 + stream] >= 0;
}

static bool open_plumbing(const struct child *child, struct plumbing *p) {
  *p = (struct plumbing){.childs = {-1, -1, -1}, .input = -1, .outputs = {-1, -1}};
  if (child->spec.flags & BP_PROC_PTY)
    return open_terminal(&child->spec, p);
  return open_stdin(&child->spec, p) && open_output(child, 0, p) && open_output(child, 1, p);
}

static bp_status not_started(struct child *child, const struct spawn_result *result, bp_error *err) {
  const char *reason = strerror(result->error);
  child->exit = (bp_proc_exit){.size = sizeof(child->exit), .code = result->error, .why = BP_PROC_NOT_STARTED};
  if (result->failed_step == SPAWN_CHDIR)
    return fail(err, BP_E_INVALID, "cannot enter folder \"%s\": %s", child->spec.cwd, reason);
  if (result->failed_step == SPAWN_EXEC && (result->error == ENOENT || result->error == ENOTDIR))
    return fail(err, BP_E_NOT_FOUND, "cannot start \"%s\": %s", child->spec.program, reason);
  return fail(err, BP_E_IO, "cannot start \"%s\": %s", child->spec.program, reason);
}

static void on_exit_event(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  child_leader_ended(arg);
}

void child_runs(struct child *child, pid_t pid, int pidfd) {
  child->phase = CHILD_RUNNING;
  child->pid = pid;
  child->pidfd = pidfd;
  child->is_told = false;
  child->started_ms = loop_now_ms();
  event_assign(&child->exit_event, loop_base(), pidfd, EV_READ | EV_PERSIST, on_exit_event, child);
  event_add(&child->exit_event, NULL);
}

static void announce(void *arg) {
  struct child *child = child_by_handle((bp_proc)(uintptr_t)arg);
  if (child)
    child_tell_started(child);
}

void child_announce(struct child *child) {
  loop_post(announce, (void *)(uintptr_t)child->handle);
}

static void open_ours(struct child *child, struct plumbing *p) {
  bool is_raw = child->spec.flags & BP_PROC_RAW_OUTPUT;
  for (unsigned i = 0; i < CHILD_STREAMS; i++)
    if (p->outputs[i] >= 0)
      spout_open(&child->spouts[i], p->outputs[i], i + 1, is_raw, false, &child->reader);
  if (p->input >= 0)
    inlet_open(&child->input, p->input, child->input.drained, child);
  if (child->spec.lifetime == BP_PROC_SURVIVING)
    surviving_follow(child, false);
  child_pace(child);
}

static void set_mark(struct child *child) {
  marker_next(child->marker);
  snprintf(child->mark_text, sizeof(child->mark_text), "%s=%s", MARKER_NAME, child->marker);
  child->spec.envp[0] = child->mark_text;
}

static bool launch(const struct child *child, const struct plumbing *p, struct spawn_result *ret) {
  const struct spawn_plan plan = {
      .program = child->spec.program,
      .argv = child->spec.argv,
      .envp = child->spec.envp,
      .cwd = child->spec.cwd,
      .fds = {p->childs[0], p->childs[1], p->childs[2]},
      .cgroup_fd = cgroup_make(child->marker),
      .dies_with_host = child->spec.lifetime == BP_PROC_BOUND,
      .has_terminal = child->spec.flags & BP_PROC_PTY,
  };
  bool is_started = spawn_process(&plan, ret);
  if (plan.cgroup_fd >= 0)
    close(plan.cgroup_fd);
  if (!is_started)
    cgroup_remove(child->marker);
  return is_started;
}

static void note_start_time(struct child *child) {
  struct proc_fact fact;
  child->started = fact_read(child->pid, &fact) ? fact.started : 0;
}

bp_status child_start(struct child *child, bp_error *err) {
  struct plumbing p;
  struct spawn_result result = {.failed_step = SPAWN_SETUP};
  set_mark(child);
  if (!open_plumbing(child, &p)) {
    result.error = errno;
    close_all(&p);
    return not_started(child, &result, err);
  }
  bool is_started = launch(child, &p, &result);
  close_childs(&p);
  if (!is_started) {
    close_all(&p);
    return not_started(child, &result, err);
  }
  child->exit = (bp_proc_exit){.size = sizeof(child->exit), .code = -1};
  child->output_bytes = 0;
  child_runs(child, result.pid, result.pidfd);
  note_start_time(child);
  open_ours(child, &p);
  if (child->spec.lifetime == BP_PROC_SURVIVING)
    surviving_record(child);
  if (child->spec.timeout_ms) {
    const struct timeval limit = {.tv_sec = child->spec.timeout_ms / 1000, .tv_usec = (suseconds_t)(child->spec.timeout_ms % 1000) * 1000};
    evtimer_add(&child->timer, &limit);
  }
  child_announce(child);
  health_begin(&child->health, &child->spec.probe);
  log_debug(child->plugin_id, "child \"%s\" runs as process %d", child->spec.name, (int)child->pid);
  return BP_OK;
}
