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
#include "store/store.h"

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
  bool is_starting;
  bool has_changed; /* the configuration, while modules were being started: it is applied after that */
  bool is_stopping;
  struct {
    void (*fn)(void *ctx);
    void *ctx;
  } settled[LOADER_SETTLED_MAX];
  unsigned settled_count;
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

static void tell_settled(void) {
  unsigned count = loader.settled_count;
  loader.settled_count = 0;
  for (unsigned i = 0; i < count; i++)
    loader.settled[i].fn(loader.settled[i].ctx);
}

static void start_over(void) {
  loader.is_starting = false;
  if (loader.is_stopping)
    return;
  if (loader.on_change)
    loader.on_change();
  if (loader.has_changed)
    loader_apply(loader.config, NULL);
  else
    tell_settled();
}

static void start_and_tell(void) {
  loader.is_starting = true;
  start_missing(loader.config, loader.private_dir, start_over);
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
  if (!loader.is_starting) /* else it is marked again when that is over */
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

static void mark_changed(void) {
  for (struct plugin *p = plugin_first(); p; p = p->next) {
    if (!is_live(p))
      continue;
    const struct config_module *module = module_find(loader.config, p->id);
    p->wants_drain = !module || !has_same_file(p, module) || must_start_anew(p, module);
  }
  mark_dependants();
}

/* Nobody waits for the tables of a module that is not wanted any more. */
static void give_up_those_that_left(void) {
  for (struct plugin *p = plugin_first(); p; p = p->next)
    if (p->phase == PLUGIN_LOADED && !module_find(loader.config, p->id))
      store_cancel(p);
}

static bp_status update_all_options(bp_error *err) {
  bp_status status = BP_OK;
  for (struct plugin *p = plugin_first(); p; p = p->next) {
    if (!is_live(p) || p->wants_drain)
      continue;
    bp_error one = BP_ERROR_INIT;
    if (update_options(p, module_find(loader.config, p->id), &one) == BP_OK)
      continue;
    log_error(p->id, "module \"%s\" keeps its old options: %s", p->id, one.message);
    if (status == BP_OK && err)
      *err = one;
    status = BP_E_INVALID;
  }
  return status;
}

bp_status loader_apply(const struct config *config, bp_error *err) {
  LOOP_MAIN();
  loader.config = config;
  mark_changed();
  bp_status status = update_all_options(err);
  loader.has_changed = loader.is_starting;
  if (loader.is_starting) {
    give_up_those_that_left();
    return status;
  }
  retire_failed();
  sweep(start_after_sweep, NULL);
  return status;
}

bp_status loader_when_settled(void (*fn)(void *ctx), void *ctx) {
  LOOP_MAIN();
  bool is_busy = (loader.is_sweeping || loader.is_starting) && !loader.is_stopping;
  if (is_busy && loader.settled_count == LOADER_SETTLED_MAX)
    return BP_E_BUSY;
  if (is_busy) {
    loader.settled[loader.settled_count].fn = fn;
    loader.settled[loader.settled_count++].ctx = ctx;
  } else {
    fn(ctx);
  }
  return BP_OK;
}

/* ---- Stop ---- */

void loader_stopping(void) {
  LOOP_MAIN();
  loader.is_stopping = true;
  start_give_up();
  tell_settled();
}

void loader_stop(void (*done)(void *arg), void *arg) {
  LOOP_MAIN();
  for (struct plugin *p = plugin_first(); p; p = p->next)
    p->wants_drain = p->phase != PLUGIN_FAILED && p->phase != PLUGIN_GONE;
  sweep(done, arg);
}
