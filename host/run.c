/* The host from start to end; see run.h. What each part does is its own; here is only the order, and the signals. */
#include "run.h"
#include "api/api.h"
#include "auth/gate.h"
#include "auth/tokens.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "client/multi.h"
#include "config/config.h"
#include "fs/own_folders.h"
#include "fs/temps.h"
#include "host.h"
#include "http/bulk.h"
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
#include "places.h"
#include "policy/policy.h"
#include "port/port.h"
#include "proc/proc.h"
#include "process.h"
#include "router/router.h"
#include "secret/secret.h"
#include "service/service.h"
#include "state_dir.h"
#include "store/lockfile.h"
#include "store/store.h"
#include "watch/spots.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STOP_REQUESTS_MS 10000
#define STOP_IN_ALL_SECONDS 15

struct host_run host_run;

static struct {
  struct config *config;
  const char *module_dir; /* from the command line, or NULL */
  int lock_fd;
  bool has_store;
  bool was_cut_short;
  struct event *stop_guard;
  struct event *signals[4];
} run = {.lock_fd = -1};

/* ---- Configuration ---- */

static void report(const struct config_errors *errors) {
  for (unsigned i = 0; i < errors->count; i++) {
    const struct config_error *e = &errors->items[i];
    log_error("config", "%s:%d: %s%s%s", e->file, e->line, e->message, e->hint[0] ? ": " : "", e->hint);
  }
}

void run_set_module_dir(struct config *config, const char *from_command_line) {
  const char *folder = from_command_line ? from_command_line : config->module_dir;
  char real[PATH_MAX];
  char *copy = folder ? str_dupz(str_from(realpath(folder, real) ? real : folder)) : places_modules();
  free(config->module_dir);
  config->module_dir = copy;
}

/* A configuration that is good as a whole, or NULL with all faults logged and the first in `err`. */
static struct config *load_config(bp_error *err) {
  static struct config_errors errors; /* too large for the stack of a deep call */
  memset(&errors, 0, sizeof(errors));
  struct config *config = config_load(host_run.config_file, &errors);
  if (config && !config->listeners) {
    /* Also what a file looks like that is being written this moment: the old configuration stays. */
    config_free(config);
    fail(err, BP_E_INVALID, "\"%s\" is empty or has no listen line: nobody could reach the host", host_run.config_file);
    fail_hint(err, "add: listen \"127.0.0.1:8700\"");
    log_error("config", "%s; %s", err->message, err->hint);
    return NULL;
  }
  if (config && errors.count == 0) {
    for (unsigned i = 0; i < config->warning_count; i++)
      log_warn("config", "%s", config->warnings[i]);
    run_set_module_dir(config, run.module_dir);
    return config;
  }
  report(&errors);
  const struct config_error *first = &errors.items[0];
  if (errors.count)
    fail(err, BP_E_INVALID, "%s:%d: %s", first->file, first->line, first->message);
  else
    fail(err, BP_E_INVALID, "cannot load the configuration \"%s\"", host_run.config_file);
  fail_hint(err, "%s", errors.count ? first->hint : "");
  config_free(config);
  return NULL;
}

static uint32_t level_of(const char *name) {
  static const char *const names[] = {[BP_LOG_ERROR] = "error", [BP_LOG_WARN] = "warn", [BP_LOG_INFO] = "info", [BP_LOG_DEBUG] = "debug"};
  for (uint32_t level = BP_LOG_ERROR; level <= BP_LOG_DEBUG; level++)
    if (name && strcmp(names[level], name) == 0)
      return level;
  return BP_LOG_INFO;
}

/* What files a module may never serve: see fs/own_folders.h. Folders are only ever added while the host runs. Of the main configuration
 * only the file counts, since people keep it beside their work; of what it includes, the folders: a new file there would count too. */
static void protect_own_folders(const struct config *config) {
  char *scripts = policy_scripts_dir(config, NULL);
  own_folders_add(scripts);
  free(scripts);
  own_folders_add(host_run.state_dir);
  own_folders_add(host_run.config_file);
  own_folders_add(config->module_dir);
  for (const struct config_module *module = config->modules; module; module = module->next) {
    if (strcmp(module->file, host_run.config_file) != 0)
      own_folders_add_of(module->file);
    if (module->path)
      own_folders_add_of(module->path);
  }
}

/* What takes effect at once, at start and at every reload. */
static void apply_settings(const struct config *config) {
  bp_str *origins = calloc(config->origin_count ? config->origin_count : 1, sizeof(*origins));
  bool is_json = config->log_format && strcmp(config->log_format, "json") == 0;
  log_configure(is_json ? LOG_JSON : LOG_HUMAN, level_of(config->log_level), STDERR_FILENO);
  http_limits = config->limits;
  bulk_allow(config->live_io_uring);
  protect_own_folders(config);
  for (unsigned i = 0; origins && i < config->origin_count; i++)
    origins[i] = str_from(config->origins[i]);
  if (origins)
    auth_set_origins(origins, config->origin_count);
  free(origins);
}

static void reload_over(void *ctx) {
  (void)ctx;
  if (host_run.is_stopping)
    return;
  log_info("host", "configuration loaded again");
  notify_ready();
}

bp_status host_reload(bp_error *err) {
  bp_error local = BP_ERROR_INIT;
  if (host_run.is_stopping)
    return fail(err, BP_E_STATE, "the host is stopping");
  notify_reloading();
  struct config *config = load_config(err ? err : &local);
  if (!config) {
    log_error("host", "the configuration has faults: the old one stays in force");
    notify_ready();
    return BP_E_INVALID;
  }
  apply_settings(config);
  store_set_retention(config->live_retention_days, config->live_retention_bytes);
  struct config *old = run.config;
  run.config = config;
  host_run.module_dir = config->module_dir;
  ports_know_listeners(config, host_run.port_offset);
  policy_configure(config);
  policy_reload(NULL, NULL); /* its own log lines say how it went */
  bp_status status = loader_apply(config, err);
  config_free(old);
  if (loader_when_settled(reload_over, NULL) != BP_OK)
    notify_ready(); /* one of the many that wait says the rest */
  return status;
}

/* ---- Listening ---- */

static void open_listeners(void) {
  if (host_run.is_ready && !host_run.is_stopping)
    listeners_apply(run.config, host_run.port_offset);
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

/* ---- Stopping ---- */

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
  run.was_cut_short = true;
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
  run.stop_guard = evtimer_new(loop_base(), cut_short, NULL);
  evtimer_add(run.stop_guard, &in_all);
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

static void watch_signals(void) {
  const struct {
    int number;
    event_callback_fn fn;
  } watched[] = {{SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal}, {SIGHUP, on_reload_signal}};
  for (unsigned i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
    run.signals[i] = evsignal_new(loop_base(), watched[i].number, watched[i].fn, NULL);
    event_add(run.signals[i], NULL);
  }
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
  run.module_dir = options->module_dir;
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
      .live_retention_days = run.config->live_retention_days,
      .live_retention_bytes = run.config->live_retention_bytes,
      .create = true,
  };
  bp_status status = store_open(&options, err);
  run.has_store = status == BP_OK;
  buf_release(&path);
  return status;
}

static bp_status take_lock(bp_error *err) {
  run.lock_fd = lockfile_take(host_run.state_dir, err);
  return run.lock_fd >= 0 ? BP_OK : err->code;
}

static bp_status open_config(bp_error *err) {
  run.config = load_config(err);
  if (!run.config)
    return BP_E_INVALID;
  host_run.module_dir = run.config->module_dir;
  apply_settings(run.config);
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
  watch_signals();
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
  return policy_open(run.config, host_run.state_dir, err);
}

/* What keeps tables of its own. */
static bp_status open_parts(bp_error *err) {
  static bp_status (*const opens[])(bp_error * err) = {jobs_open, ports_open, secrets_open, open_policy};
  bp_status status = BP_OK;
  for (unsigned i = 0; status == BP_OK && i < sizeof(opens) / sizeof(opens[0]); i++)
    status = opens[i](err);
  ports_know_listeners(run.config, host_run.port_offset);
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
  return loader_start(run.config, host_run.state_dir, err);
}

static bp_status listen_all(bp_error *err) {
  http_hold(true); /* until the modules have read what they keep: see serve */
  bp_status status = listeners_open_control(host_run.state_dir, err);
  if (status != BP_OK)
    return status;
  if (listeners_apply(run.config, host_run.port_offset) == 0) {
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

static void release_events(void) {
  for (unsigned i = 0; i < sizeof(run.signals) / sizeof(run.signals[0]); i++)
    if (run.signals[i])
      event_free(run.signals[i]);
  if (run.stop_guard)
    event_free(run.stop_guard);
}

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
  release_events();
  loop_release();
  config_free(run.config);
  lockfile_drop(run.lock_fd);
  free(host_run.state_dir);
  free(host_run.config_file);
  free(host_run.start_folder);
}

/* A start that failed half-way, or a stop that took too long: the data is made safe, the rest is the kernel's to clean up. */
static _Noreturn void leave(int status) {
  proc_kill_all();
  if (run.has_store)
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
  if (run.was_cut_short || drain_left_work()) {
    log_info("host", "stopped without waiting for all");
    leave(0);
  }
  store_close();
  log_info("host", "stopped");
  release_all();
  return 0;
}
