/* bp.proc/1; see backplane/proc.h. Handles and arguments are checked here, the work is done by child.h and stranger.h. */
#include "base/fail.h"
#include "base/str.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "proc/child.h"
#include "proc/environment.h"
#include "proc/facts.h"
#include "proc/pty.h"
#include "proc/stranger.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static bp_status spawn(bp_plugin self, const bp_proc_spec *given, const bp_proc_events *events, void *ctx, bp_proc *ret, bp_error *err) {
  struct spec spec = {0};
  if (!plugin_on_main(self, "proc spawn"))
    return fail(err, BP_E_THREAD, "spawn was called off the main thread");
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return fail(err, BP_E_STALE, "the plugin is gone");
  if (plugin->phase >= PLUGIN_DRAINING)
    return fail(err, BP_E_STATE, "plugin \"%s\" is draining", plugin->id);
  if (!given || given->size < sizeof(given->size) || !ret)
    return fail(err, BP_E_INVALID, "spawn needs a spec and a place for the handle");
  bp_status status = spec_copy(self, given, &spec, err);
  return status == BP_OK ? child_spawn(plugin, &spec, events, ctx, ret, err) : status;
}

static bp_status adopt(bp_plugin self, bp_str name, const bp_proc_events *events, void *ctx, bp_proc *ret) {
  if (!plugin_on_main(self, "proc adopt"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  if (!plugin)
    return BP_E_STALE;
  struct child *child = child_by_name(plugin->id, name);
  if (!child || child->phase != CHILD_RUNNING || child->is_stopping)
    return BP_E_NOT_FOUND;
  if (child->owned.owner)
    return BP_E_EXISTS;
  bp_status status = child_adopt(child, plugin, events, ctx);
  if (status == BP_OK)
    *ret = child->handle;
  return status;
}

/* The live child behind a handle, or the status that says why not. */
static bp_status find(bp_proc handle, const char *function, struct child **ret) {
  if (!plugin_on_main(0, function))
    return BP_E_THREAD;
  *ret = child_by_handle(handle);
  return *ret ? BP_OK : BP_E_STALE;
}

static bp_status write_input(bp_proc proc, bp_str bytes) {
  struct child *child;
  bp_status status = find(proc, "proc write", &child);
  return status == BP_OK ? inlet_write(&child->input, bytes) : status;
}

/* A terminal has no end to close: its end-of-file character says the same. */
static bp_status close_stdin(bp_proc proc) {
  struct child *child;
  bp_status status = find(proc, "proc close_stdin", &child);
  if (status != BP_OK)
    return status;
  return child->spec.flags & BP_PROC_PTY ? inlet_write(&child->input, BP_LIT("\x04")) : inlet_finish(&child->input);
}

static bp_status stop(bp_proc proc) {
  struct child *child;
  bp_status status = find(proc, "proc stop", &child);
  if (status == BP_OK)
    child_stop(child, BP_PROC_STOPPED);
  return status;
}

static bp_status send_signal(bp_proc proc, int32_t number) {
  struct child *child;
  bp_status status = find(proc, "proc signal", &child);
  if (status != BP_OK)
    return status;
  if (number <= 0 || number >= NSIG)
    return BP_E_INVALID;
  if (child->phase != CHILD_RUNNING)
    return BP_E_STATE;
  return syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0) == 0 || errno == ESRCH ? BP_OK : BP_E_IO;
}

static bp_status resize(bp_proc proc, uint32_t rows, uint32_t columns) {
  struct child *child;
  bp_status status = find(proc, "proc resize", &child);
  if (status != BP_OK)
    return status;
  if (!(child->spec.flags & BP_PROC_PTY) || !child->spouts[0].is_open)
    return BP_E_STATE;
  return pty_resize(child->spouts[0].fd, rows, columns) ? BP_OK : BP_E_IO;
}

static bp_status pause_output(bp_proc proc, uint32_t paused) {
  struct child *child;
  bp_status status = find(proc, "proc pause_output", &child);
  if (status != BP_OK)
    return status;
  child->is_paused = paused != 0;
  child_pace(child);
  return BP_OK;
}

static int64_t pid_of(bp_proc proc) {
  struct child *child;
  return find(proc, "proc pid", &child) == BP_OK ? child->pid : 0;
}

static bp_status tail(bp_proc proc, uint32_t lines, bp_str *ret) {
  static struct buf text;
  struct child *child;
  bp_status status = find(proc, "proc tail", &child);
  if (status != BP_OK)
    return status;
  buf_release(&text);
  tail_ring_read(&child->ring, lines, &text);
  if (text.failed)
    return BP_E_NO_MEMORY;
  *ret = buf_str(&text);
  return BP_OK;
}

static bp_status stop_stranger(bp_plugin self, int64_t pid, int64_t started_ticks, uint32_t grace_ms, void (*done)(void *ctx, bp_status status),
                               void *ctx) {
  if (!plugin_on_main(self, "proc stop_stranger"))
    return BP_E_THREAD;
  struct plugin *plugin = plugin_get(self);
  return plugin ? stranger_stop(plugin, pid, started_ticks, grace_ms, done, ctx) : BP_E_STALE;
}

static bp_status set_probe(bp_proc proc, const bp_proc_probe *probe) {
  struct child *child;
  struct health_plan plan = {0};
  bp_status status = find(proc, "proc probe", &child);
  if (status == BP_OK)
    status = health_plan_copy(probe, &plan, NULL);
  if (status != BP_OK)
    return status;
  health_end(&child->health);
  health_plan_release(&child->spec.probe);
  child->spec.probe = plan;
  if (child->phase == CHILD_RUNNING && !child->is_stopping)
    health_begin(&child->health, &child->spec.probe);
  return BP_OK;
}

static uint32_t health_of(bp_proc proc) {
  struct child *child;
  return find(proc, "proc health", &child) == BP_OK ? child->health.state : BP_HEALTH_UNKNOWN;
}

static bp_status each_child(bp_plugin self, bp_proc_each_fn each, void *ctx) {
  if (!plugin_on_main(self, "proc each"))
    return BP_E_THREAD;
  if (!each)
    return BP_E_INVALID;
  for (const struct child *child = children_first(); child; child = child->next) {
    const bp_proc_entry entry = {.size = sizeof(entry),
                                 .lifetime = child->spec.lifetime,
                                 .plugin = str_from(child->plugin_id),
                                 .name = str_from(child->spec.name),
                                 .pid = child->pid,
                                 .started_ticks = child->pid ? child->started : 0,
                                 .health = child->health.state,
                                 .is_stopping = child->is_stopping};
    each(ctx, &entry);
  }
  return BP_OK;
}

static bp_status check_env(bp_array env, bp_error *err) {
  bp_error reason = BP_ERROR_INIT;
  char **built = environment_build(env, false, &reason);
  free(built);
  if (!built && err)
    *err = reason;
  return built ? BP_OK : reason.code;
}

const bp_proc_1 proc_table = {
    .size = sizeof(bp_proc_1),
    .spawn = spawn,
    .adopt = adopt,
    .write = write_input,
    .close_stdin = close_stdin,
    .stop = stop,
    .signal = send_signal,
    .resize = resize,
    .pause_output = pause_output,
    .pid = pid_of,
    .tail = tail,
    .stop_stranger = stop_stranger,
    .probe = set_probe,
    .health = health_of,
    .each = each_child,
    .check_env = check_env,
};
