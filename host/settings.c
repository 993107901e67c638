/* The configuration as a whole: loading, what takes effect at once, and loading again; see run_state.h. */
#include "auth/gate.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "fs/own_folders.h"
#include "host.h"
#include "http/bulk.h"
#include "http/limits.h"
#include "loader/loader.h"
#include "notify.h"
#include "places.h"
#include "policy/policy.h"
#include "port/port.h"
#include "run.h"
#include "run_state.h"
#include "store/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

struct config *settings_load(bp_error *err) {
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
    run_set_module_dir(config, running.module_dir);
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

void settings_apply(const struct config *config) {
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
  struct config *config = settings_load(err ? err : &local);
  if (!config) {
    log_error("host", "the configuration has faults: the old one stays in force");
    notify_ready();
    return BP_E_INVALID;
  }
  settings_apply(config);
  store_set_retention(config->live_retention_days, config->live_retention_bytes);
  struct config *old = running.config;
  running.config = config;
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
