/* The host from start to end; see run.h. What each part does is its own; here is only the order. The configuration is in settings.c,
 * stopping in stop.c. */
#include "run.h"
#include "api/api.h"
#include "auth/gate.h"
#include "auth/tokens.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "client/multi.h"
#include "fs/own_folders.h"
#include "fs/temps.h"
#include "host.h"
#include "http/listener.h"
#include "job/job.h"
#include "listeners.h"
#include "live/live.h"
#include "loader/crash.h"
#include "loader/drain.h"
#include "loader/events.h"
#include "loader/loader.h"
#include "log_file.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "notify.h"
#include "policy/policy.h"
#include "port/port.h"
#include "proc/proc.h"
#include "process.h"
#include "router/router.h"
#include "run_state.h"
#include "secret/secret.h"
#include "service/service.h"
#include "state_dir.h"
#include "store/lockfile.h"
#include "store/store.h"
#include "watch/spots.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct host_run host_run;
struct run_state running = {.lock_fd = -1};

/* ---- Listening ---- */

static void open_listeners(void) {
  if (host_run.is_ready && !host_run.is_stopping)
    listeners_apply(running.config, host_run.port_offset);
}

/* The links for a person at the terminal. They hold a one-time code: never in a log, so not into the journal either. */
static void print_links(void) {
  char code[65];
  for (const struct http_listener *l = http_listeners(); l; l = l->next) {
    if (!l->is_main || l->is_unix || strchr(l->address, ':'))
      continue;
    printf("Backplane %s listens on http://%s:%u/\n", HOST_VERSION, l->address, (unsigned)l->port);
    if (!getenv("JOURNAL_STREAM") && session_open_code(code) == BP_OK)
      printf("Administer it (once, within 10 minutes): http://%s:%u/#code=%s\n", l->address, (unsigned)l->port, code);
    break;
  }
  fflush(stdout);
}

/* ---- Start-up ---- */

static bp_status find_places(const struct run_options *options, bp_error *err) {
  char cwd[PATH_MAX];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  host_run.started_wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  host_run.port_offset = options->port_offset;
  config_port_offset(options->port_offset);
  host_run.start_folder = str_dupz(str_from(getcwd(cwd, sizeof(cwd)) ? cwd : "/"));
  host_run.state_dir = state_dir_find(options->state_dir);
  running.module_dir = options->module_dir;
  if (!host_run.state_dir) {
    fail(err, BP_E_NOT_FOUND, "there is no home folder to keep state in");
    fail_hint(err, "name a state folder with --state");
    return BP_E_NOT_FOUND;
  }
  char *found = config_find(options->config_file);
  char real[PATH_MAX];
  if (found && realpath(found, real)) {
    host_run.config_file = str_dupz(str_from(real));
  } else {
    fail(err, BP_E_NOT_FOUND, "there is no configuration%s%s%s", found ? " \"" : "", found ? found : "", found ? "\"" : "");
    fail_hint(err, "name one with --config");
  }
  free(found);
  return host_run.config_file ? BP_OK : BP_E_NOT_FOUND;
}

static bp_status open_store(bp_error *err) {
  struct buf path = {0};
  buf_printf(&path, "%s/state.db", host_run.state_dir);
  buf_append_char(&path, '\0');
  const struct store_options options = {
      .path = path.data,
      .live_retention_days = running.config->live_retention_days,
      .live_retention_bytes = running.config->live_retention_bytes,
      .create = true,
  };
  bp_status status = store_open(&options, err);
  running.has_store = status == BP_OK;
  buf_release(&path);
  return status;
}

static bp_status take_lock(bp_error *err) {
  running.lock_fd = lockfile_take(host_run.state_dir, err);
  return running.lock_fd >= 0 ? BP_OK : err->code;
}

static bp_status open_config(bp_error *err) {
  running.config = settings_load(err);
  if (!running.config)
    return BP_E_INVALID;
  host_run.module_dir = running.config->module_dir;
  settings_apply(running.config);
  return BP_OK;
}

static bp_status prepare_state(bp_error *err) {
  return state_dir_prepare(host_run.state_dir, err);
}

static bp_status open_loop(bp_error *err) {
  if (!loop_init())
    return fail(err, BP_E_IO, "cannot set up the event loop");
  log_file_open(host_run.state_dir);
  notify_init();
  stop_watch_signals();
  return BP_OK;
}

static bp_status open_live(bp_error *err) {
  return live_init() ? BP_OK : fail(err, BP_E_NO_MEMORY, "cannot set up the live log");
}

static bp_status open_files(bp_error *err) {
  return temps_open(host_run.state_dir, err);
}

static bp_status open_processes(bp_error *err) {
  return proc_init(host_run.state_dir, err);
}

static bp_status open_policy(bp_error *err) {
  return policy_open(running.config, host_run.state_dir, err);
}

/* What keeps tables of its own. */
static bp_status open_parts(bp_error *err) {
  static bp_status (*const opens[])(bp_error * err) = {jobs_open, ports_open, secrets_open, open_policy};
  bp_status status = BP_OK;
  for (unsigned i = 0; status == BP_OK && i < sizeof(opens) / sizeof(opens[0]); i++)
    status = opens[i](err);
  ports_know_listeners(running.config, host_run.port_offset);
  return status;
}

static bp_status open_auth(bp_error *err) {
  return auth_init(host_run.state_dir, err);
}

static bp_status open_router(bp_error *err) {
  (void)err;
  router_init();
  api_init();
  return BP_OK;
}

static bp_status start_modules(bp_error *err) {
  loader_on_change(open_listeners);
  return loader_start(running.config, host_run.state_dir, err);
}

static bp_status listen_all(bp_error *err) {
  http_hold(true); /* until the modules have read what they keep: see serve */
  bp_status status = listeners_open_control(host_run.state_dir, err);
  if (status != BP_OK)
    return status;
  if (listeners_apply(running.config, host_run.port_offset) == 0) {
    fail(err, BP_E_BUSY, "none of the configured addresses could be opened");
    fail_hint(err, "stop what holds the ports, or choose others with --port-offset");
    return BP_E_BUSY;
  }
  return BP_OK;
}

/* Each step may rely on those above it. */
static bp_status (*const steps[])(bp_error *err) = {
    prepare_state, take_lock,  open_config, open_loop,   open_live,     open_files, open_processes,
    open_store,    open_parts, open_auth,   open_router, start_modules, listen_all,
};

static bp_status start_up(const struct run_options *options, bp_error *err) {
  bp_status status = find_places(options, err);
  for (unsigned i = 0; status == BP_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
    status = steps[i](err);
  return status;
}

static void serve(void *ctx) {
  (void)ctx;
  if (host_run.is_stopping)
    return;
  host_run.is_ready = true;
  http_hold(false);
  log_info("host", "backplane %s is ready (state in \"%s\")", HOST_VERSION, host_run.state_dir);
  events_emit(BP_LIT("bp.ready"), BP_LIT("{}"), NULL);
  notify_ready();
}

/* ---- The end ---- */

static void release_all(void) {
  listeners_close();
  workers_stop();
  policy_release();
  proc_release();
  live_release();
  router_release();
  auth_release();
  events_release();
  services_release();
  own_folders_release();
  temps_close();
  spots_release();
  multi_release();
  plugin_registry_release();
  notify_release();
  log_file_close();
  stop_release();
  loop_release();
  config_free(running.config);
  lockfile_drop(running.lock_fd);
  free(host_run.state_dir);
  free(host_run.config_file);
  free(host_run.start_folder);
}

/* A start that failed half-way, or a stop that took too long: the data is made safe, the rest is the kernel's to clean up. */
static _Noreturn void leave(int status) {
  proc_kill_all();
  if (running.has_store)
    store_close();
  fflush(stdout);
  _exit(status);
}

int host_run_main(const struct run_options *options) {
  bp_error err = BP_ERROR_INIT;
  listeners_inherit();
  process_prepare(options->keep_cores);
  crash_install();
  if (start_up(options, &err) != BP_OK) {
    log_error("host", "cannot start: %s%s%s", err.message, err.hint[0] ? ": " : "", err.hint);
    leave(1);
  }
  store_ready();
  print_links(); /* who follows them at once waits in the kernel's queue */
  loader_when_settled(serve, NULL);
  /* Before the modules have read what they keep: the code that reads is needed again by every client. */
  process_trim(options->keep_cores);
  loop_run();
  if (running.was_cut_short || drain_left_work()) {
    log_info("host", "stopped without waiting for all");
    leave(0);
  }
  store_close();
  log_info("host", "stopped");
  release_all();
  return 0;
}
