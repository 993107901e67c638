/* The life of all plugins together: first start, changes of the configuration, stop; see loader.h. */
#include "loader/loader.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "config/config.h"
#include "loader/drain.h"
#include "loader/events.h"
#include "loader/start.h"
#include "loader/stray.h"
#include "loop/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_CHANGED BP_LIT("bp.config.changed")

static struct {
  const struct config *config;
  char *private_dir;
  void (*on_change)(void);
  /* The running sweep: draining, one after the other, all that want it; then `after`. */
  bool is_sweeping;
  int64_t sweep_deadline_ms;
  void (*after)(void *arg);
  void *after_arg;
} loader;

/* ---- The folder of copies ---- */

/* Copies of a host that was killed lie there still. */
static void clear_private_dir(int fd) {
  DIR *folder = fdopendir(fd);
  if (!folder) {
    close(fd);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(folder));)
    if (entry->d_name[0] != '.')
      unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
}

static bp_status prepare_private_dir(const char *state_dir, bp_error *err) {
  struct buf path = {0};
  buf_printf(&path, "%s/plugins", state_dir);
  free(loader.private_dir);
  loader.private_dir = str_dupz(buf_str(&path));
  buf_release(&path);
  if (mkdir(loader.private_dir, 0700) != 0 && errno != EEXIST)
    return fail(err, BP_E_IO, "cannot make folder \"%s\": %s", loader.private_dir, strerror(errno));
  int fd = open(loader.private_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    fail(err, BP_E_IO, "cannot open folder \"%s\": %s", loader.private_dir, strerror(errno));
    if (fd >= 0)
      close(fd);
    return BP_E_IO;
  }
  if (st.st_uid != geteuid() || (st.st_mode & 077)) {
    close(fd);
    fail(err, BP_E_DENIED, "folder \"%s\" is open to other users", loader.private_dir);
    fail_hint(err, "remove it: the host makes it anew");
    return BP_E_DENIED;
  }
  clear_private_dir(fd);
  return BP_OK;
}

/* ---- Start ---- */

static void start_and_tell(void) {
  start_missing(loader.config, loader.private_dir);
  if (loader.on_change)
    loader.on_change();
}

bp_status loader_start(const struct config *config, const char *state_dir, bp_error *err) {
  LOOP_MAIN();
  bp_status status = prepare_private_dir(state_dir, err);
  if (status != BP_OK)
    return status;
  loader.config = config;
  stray_baseline();
  start_and_tell();
  return BP_OK;
}

void loader_on_change(void (*fn)(void)) {
  loader.on_change = fn;
}

/* ---- Sweeping ---- */

static struct plugin *last_that_wants(void) {
  struct plugin *last = NULL;
  for (struct plugin *p = plugin_first(); p; p = p->next)
    if (p->wants_drain)
      last = p;
  return last;
}

static void sweep_next(void *arg) {
  struct plugin *plugin = last_that_wants();
  (void)arg;
  if (plugin) {
    plugin->wants_drain = false;
    drain_begin(plugin, false, loader.sweep_deadline_ms, sweep_next, NULL);
    return;
  }
  loader.is_sweeping = false;
  loader.after(loader.after_arg);
}

/* Reverse start order, so that nobody outlives what it needs. A sweep that runs already goes on to the newly marked ones. */
static void sweep(void (*after)(void *arg), void *arg) {
  loader.after = after;
  loader.after_arg = arg;
  loader.sweep_deadline_ms = loop_now_ms() + DRAIN_DEADLINE_MS;
  if (loader.is_sweeping)
    return;
  loader.is_sweeping = true;
  sweep_next(NULL);
}

/* ---- Changes ---- */

static bool is_live(const struct plugin *plugin) {
  return plugin->phase == PLUGIN_STARTED;
}

static bool has_same_file(const struct plugin *plugin, const struct config_module *module) {
  char *path = module_path(loader.config, module);
  bool is_same = strcmp(path, plugin->path) == 0;
  free(path);
  return is_same;
}

/* Whoever does not listen for changed options gets them by a new start. */
static bool must_start_anew(const struct plugin *plugin, const struct config_module *module) {
  if (!start_would_change(plugin, module) || events_has_subscriber(plugin, CONFIG_CHANGED))
    return false;
  log_info(plugin->id, "module \"%s\" is started anew: its options changed", plugin->id);
  return true;
}

/* Marks whoever needs a marked one, until nobody is added. */
static void mark_dependants(void) {
  for (bool changed = true; changed;) {
    changed = false;
    for (struct plugin *p = plugin_first(); p; p = p->next)
      for (const struct plugin *other = plugin_first(); other && is_live(p) && !p->wants_drain; other = other->next)
        if (other->wants_drain && start_depends(p, other))
          changed = p->wants_drain = true;
  }
}

static bp_status update_options(struct plugin *plugin, const struct config_module *module, bp_error *err) {
  bool is_changed = false;
  bp_status status = start_options(plugin, module, &is_changed, err);
  if (status == BP_OK && is_changed)
    events_emit(CONFIG_CHANGED, BP_LIT("{}"), plugin);
  return status;
}

/* A module that failed gets another chance; its struct makes room for a new generation. */
static void retire_failed(void) {
  for (struct plugin *p = plugin_first(), *next; p; p = next) {
    next = p->next;
    if (p->phase == PLUGIN_FAILED)
      plugin_retire(p);
  }
}

static void start_after_sweep(void *arg) {
  (void)arg;
  start_and_tell();
}

bp_status loader_apply(const struct config *config, bp_error *err) {
  LOOP_MAIN();
  bp_status status = BP_OK;
  loader.config = config;
  retire_failed();
  for (struct plugin *p = plugin_first(); p; p = p->next) {
    if (!is_live(p))
      continue;
    const struct config_module *module = module_find(config, p->id);
    p->wants_drain = !module || !has_same_file(p, module) || must_start_anew(p, module);
  }
  mark_dependants();
  for (struct plugin *p = plugin_first(); p; p = p->next) {
    if (!is_live(p) || p->wants_drain)
      continue;
    bp_error one = BP_ERROR_INIT;
    if (update_options(p, module_find(config, p->id), &one) == BP_OK)
      continue;
    log_error(p->id, "module \"%s\" keeps its old options: %s", p->id, one.message);
    if (status == BP_OK && err)
      *err = one;
    status = BP_E_INVALID;
  }
  sweep(start_after_sweep, NULL);
  return status;
}

/* ---- Stop ---- */

void loader_stop(void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  for (struct plugin *p = plugin_first(); p; p = p->next)
    p->wants_drain = p->phase != PLUGIN_FAILED && p->phase != PLUGIN_GONE;
  sweep(done, arg);
}
