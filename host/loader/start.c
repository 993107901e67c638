/* Start-up of plugins, step by step for all of them in dependency order; see start.h. In the middle, while their tables are made, main goes
 * on with its other work. */
#include "loader/start.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/config.h"
#include "live/live.h"
#include "loader/drain.h"
#include "loader/first_reads.h"
#include "loader/loader.h"
#include "loader/resolve.h"
#include "loader/stray.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "router/router.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The start under way; there is one at a time. */
static struct {
  const struct config *config; /* for the first steps: a reload may replace it while tables are made */
  unsigned waiting;            /* tables that are being made, and one while more are asked for */
  bool is_given_up;
  void (*done)(void);
} starting;

const struct config_module *module_find(const struct config *config, const char *id) {
  for (const struct config_module *module = config->modules; module; module = module->next)
    if (strcmp(module->id, id) == 0)
      return module;
  return NULL;
}

char *module_path(const struct config *config, const struct config_module *module) {
  struct buf path = {0};
  if (module->path)
    buf_append_z(&path, module->path);
  else
    buf_printf(&path, "%s/%s.so", config->module_dir ? config->module_dir : ".", module->id);
  char *copy = str_dupz(buf_str(&path));
  buf_release(&path);
  return copy;
}

bool start_depends(const struct plugin *plugin, const struct plugin *other) {
  struct resolve_item a = {.descriptor = &plugin->descriptor}, b = {.descriptor = &other->descriptor};
  return plugin != other && resolve_depends(&a, &b);
}

/* ---- Failing ---- */

static void set_failure(struct plugin *plugin, const char *text) {
  snprintf(plugin->failure, sizeof(plugin->failure), "%s", text);
  log_error(plugin->id, "module \"%s\" is not running: %s", plugin->id, plugin->failure);
}

/* Nothing has been run of it yet: only the image has to go. */
static void refuse(struct plugin *plugin, const char *text) {
  set_failure(plugin, text);
  plugin->phase = PLUGIN_FAILED;
  memset(&plugin->descriptor, 0, sizeof(plugin->descriptor));
  image_close(plugin->image);
  plugin->image = NULL;
}

/* Takes down whoever needs it first, then the plugin itself, undoing the steps it had done. */
static void fail_plugin(struct plugin *plugin, const char *text) {
  set_failure(plugin, text);
  for (struct plugin *p = plugin_first(); p; p = p->next) {
    if (p->failure[0] || p->phase > PLUGIN_STARTED || !start_depends(p, plugin))
      continue;
    char reason[256];
    snprintf(reason, sizeof(reason), "it needs module \"%s\", which failed", plugin->id);
    fail_plugin(p, reason);
  }
  drain_begin(plugin, true, loop_now_ms() + DRAIN_DEADLINE_MS, NULL, NULL);
}

/* ---- Opening ---- */

static void append_error(struct buf *text, const bp_error *err) {
  buf_append_z(text, err->message);
  if (err->hint[0])
    buf_printf(text, ": %s", err->hint);
  buf_append_char(text, '\0');
}

static void open_module(const struct config *config, const struct config_module *module, const char *private_dir) {
  char *path = module_path(config, module);
  struct plugin *plugin = plugin_add(str_from(module->id), path);
  bp_error err = BP_ERROR_INIT;
  struct buf text = {0};
  struct culprit frame;
  culprit_enter(&frame, plugin, "query", BP_LIT(""));
  plugin->image = image_open(path, private_dir, &err);
  culprit_leave(&frame);
  if (plugin->image)
    plugin->descriptor = *image_descriptor(plugin->image);
  else
    append_error(&text, &err);
  if (plugin->image && !str_eq(plugin->descriptor.id, str_from(module->id))) {
    buf_printf(&text, "\"%s\" says its id is \"%.*s\": write that id in %s line %d", path, (int)plugin->descriptor.id.len, plugin->descriptor.id.ptr,
               module->file ? module->file : "the configuration", module->line);
    buf_append_char(&text, '\0');
  }
  if (text.len)
    refuse(plugin, text.data);
  buf_release(&text);
  free(path);
}

/* ---- Steps ---- */

static bp_status step_families(struct plugin *plugin, bp_error *err) {
  bp_status status = BP_OK;
  for (uint32_t i = 0; i < plugin->descriptor.families.count && status == BP_OK; i++) {
    bp_family family;
    array_item(plugin->descriptor.families, i, &family);
    status = family_declare(plugin, &family, err);
  }
  return status;
}

bool start_would_change(const struct plugin *plugin, const struct config_module *module) {
  struct config_errors *errors = mem_alloc(sizeof(*errors));
  json_t *options = NULL;
  bool would = config_check_options(module, &plugin->descriptor.options, &options, errors) && !config_same_options(plugin, options);
  json_decref(options);
  free(errors);
  return would;
}

bp_status start_options(struct plugin *plugin, const struct config_module *module, bool *ret_changed, bp_error *err) {
  struct config_errors *errors = mem_alloc(sizeof(*errors));
  json_t *options = NULL;
  bp_status status = BP_OK;
  if (config_check_options(module, &plugin->descriptor.options, &options, errors)) {
    *ret_changed = config_set_options(plugin, options);
  } else {
    const struct config_error *first = &errors->items[0];
    status = fail(err, BP_E_INVALID, "%s:%d: %s", first->file, first->line, first->message);
    fail_hint(err, "%s", first->hint);
    for (unsigned i = 1; i < errors->count; i++)
      log_error(plugin->id, "%s:%d: %s", errors->items[i].file, errors->items[i].line, errors->items[i].message);
  }
  free(errors);
  return status;
}

static bp_status step_options(struct plugin *plugin, bp_error *err) {
  bool changed;
  return start_options(plugin, module_find(starting.config, plugin->id), &changed, err);
}

static bp_status step_topics(struct plugin *plugin, bp_error *err) {
  return live_add(plugin, &plugin->descriptor.topics, err);
}

/* An error struct a plugin has written into is not trusted to end its strings. */
static void seal(bp_error *err) {
  err->message[sizeof(err->message) - 1] = '\0';
  err->hint[sizeof(err->hint) - 1] = '\0';
  if (!err->message[0])
    snprintf(err->message, sizeof(err->message), "it gave no reason");
}

static bp_status step_create(struct plugin *plugin, bp_error *err) {
  struct culprit frame;
  void *state = NULL;
  culprit_enter(&frame, plugin, "create", BP_LIT(""));
  bp_status status = plugin->descriptor.create(plugin->handle, &host_table, &state, err);
  culprit_leave(&frame);
  stray_note(plugin);
  if (status != BP_OK) {
    seal(err);
    return status;
  }
  plugin->state = state;
  plugin->phase = PLUGIN_CREATED;
  return BP_OK;
}

static bp_status step_routes(struct plugin *plugin, bp_error *err) {
  return router_add(plugin, &plugin->descriptor.routes, plugin->state, err);
}

static bp_status step_start(struct plugin *plugin, bp_error *err) {
  struct culprit frame;
  bp_status status = BP_OK;
  if (plugin->descriptor.start) {
    culprit_enter(&frame, plugin, "start", BP_LIT(""));
    status = plugin->descriptor.start(plugin->state, err);
    culprit_leave(&frame);
    stray_note(plugin);
  }
  if (status != BP_OK) {
    seal(err);
    return status;
  }
  plugin->phase = PLUGIN_STARTED;
  first_reads_note(plugin);
  log_info(plugin->id, "module \"%s\" %.*s started", plugin->id, (int)plugin->descriptor.version.len, plugin->descriptor.version.ptr);
  return BP_OK;
}

struct step {
  const char *what;
  bp_status (*run)(struct plugin *plugin, bp_error *err);
};

static void fail_step(struct plugin *plugin, const char *what, const bp_error *err) {
  struct buf text = {0};
  buf_printf(&text, "%s: ", what);
  append_error(&text, err);
  fail_plugin(plugin, text.data);
  buf_release(&text);
}

static bool is_starting(const struct plugin *plugin) {
  return (plugin->phase == PLUGIN_LOADED || plugin->phase == PLUGIN_CREATED) && !plugin->failure[0];
}

/* Each step is done for all plugins before the next begins: all migrations before any start, all families before any route.
 * Undoing is the drain's: it gives back whatever there is. */
static void run_steps(const struct step *steps, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    for (struct plugin *p = plugin_first(), *next; p; p = next) {
      bp_error err = BP_ERROR_INIT;
      next = p->next; /* a failure may retire it */
      if (is_starting(p) && steps[i].run(p, &err) != BP_OK)
        fail_step(p, steps[i].what, &err);
    }
}

/* ---- Tables ---- */

static void run_last_steps(void) {
  static const struct step last_steps[] = {{"create", step_create}, {"routes", step_routes}, {"start", step_start}};
  if (!starting.is_given_up)
    run_steps(last_steps, sizeof(last_steps) / sizeof(last_steps[0]));
  first_reads_await(starting.done);
}

static void tables_over(void) {
  if (--starting.waiting == 0)
    run_last_steps();
}

static void tables_made(void *ctx, bp_status status, const bp_error *err) {
  struct plugin *plugin = ctx;
  if (status != BP_OK && is_starting(plugin) && !starting.is_given_up)
    fail_step(plugin, "store", err);
  tables_over();
}

static void make_tables(void) {
  starting.waiting = 1; /* whoever asks */
  for (struct plugin *p = plugin_first(), *next; p; p = next) {
    const bp_plugin_descriptor *d = &p->descriptor;
    next = p->next;
    if (!is_starting(p))
      continue;
    starting.waiting++;
    store_add(p, &d->migrations, &d->statements, &d->searches, tables_made, p);
  }
  tables_over();
}

/* ---- All of them ---- */

static unsigned count_plugins(void) {
  unsigned count = 0;
  for (const struct plugin *p = plugin_first(); p; p = p->next)
    count++;
  return count;
}

static bool is_up(const struct plugin *plugin) {
  return plugin->phase == PLUGIN_STARTED;
}

/* Resolves all, refuses who cannot run, and puts the registry in start order. */
static void resolve_all(void) {
  unsigned count = count_plugins(), at = 0;
  struct plugin **plugins = mem_array(count, sizeof(*plugins));
  struct plugin **ordered = mem_array(count, sizeof(*ordered));
  struct resolve_item *items = mem_array(count, sizeof(*items));
  unsigned *order = mem_array(count, sizeof(*order));
  for (struct plugin *p = plugin_first(); p; p = p->next, at++) {
    bool can_count = p->phase == PLUGIN_LOADED || is_up(p);
    plugins[at] = p;
    items[at] = (struct resolve_item){.descriptor = can_count ? &p->descriptor : NULL, .path = p->path, .is_running = is_up(p)};
  }
  unsigned placed = resolve(items, count, order);
  for (unsigned i = 0; i < placed; i++)
    ordered[i] = plugins[order[i]];
  for (unsigned i = 0; i < count; i++) {
    if (!items[i].is_refused)
      continue;
    ordered[placed++] = plugins[i];
    buf_append_char(&items[i].refusal, '\0');
    if (plugins[i]->phase == PLUGIN_LOADED)
      refuse(plugins[i], items[i].refusal.data);
    buf_release(&items[i].refusal);
  }
  plugin_reorder(ordered, count);
  free(plugins);
  free(ordered);
  free(items);
  free(order);
}

void start_missing(const struct config *config, const char *private_dir, void (*done)(void)) {
  static const struct step first_steps[] = {{"families", step_families}, {"options", step_options}, {"topics", step_topics}};
  starting.config = config;
  starting.done = done;
  for (const struct config_module *module = config->modules; module; module = module->next)
    if (!plugin_find(str_from(module->id)))
      open_module(config, module, private_dir);
  resolve_all();
  run_steps(first_steps, sizeof(first_steps) / sizeof(first_steps[0]));
  starting.config = NULL;
  make_tables();
}

void start_give_up(void) {
  starting.is_given_up = true;
  for (struct plugin *p = plugin_first(); p; p = p->next)
    if (p->phase == PLUGIN_LOADED)
      store_cancel(p);
}
