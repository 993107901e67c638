/* Modules and the configuration: /api/backplane/modules, /api/backplane/modules/ID, /api/backplane/reload. */
#include "api/reply.h"
#include "api/routes.h"
#include "base/nearest.h"
#include "base/str.h"
#include "host.h"
#include "loader/loader.h"

#include <stdio.h>

struct route_count {
  const struct plugin *plugin;
  int count;
};

static void count_route(void *ctx, const struct route_info *info) {
  struct route_count *count = ctx;
  count->count += info->owner == count->plugin;
}

static json_t *module_json(const struct plugin *plugin) {
  struct route_count routes = {.plugin = plugin};
  char says[121];
  router_each(count_route, &routes);
  plugin_status(plugin, says);
  const bp_plugin_descriptor *descriptor = &plugin->descriptor;
  return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s?, s:s?, s:s?, s:i, s:i, s:I}", "id", plugin->id, "version", text_or_null(descriptor->version),
                   "summary", text_or_null(descriptor->summary), "family", text_or_null(descriptor->family), "phase",
                   plugin_phase_name(plugin->phase), "failure", plugin->failure[0] ? plugin->failure : NULL, "status", says[0] ? says : NULL, "path",
                   plugin->path, "generation", (int)plugin->generation, "route_count", routes.count, "slow_callbacks",
                   (json_int_t)plugin->slow_callbacks);
}

void api_modules(struct http_exchange *x, bp_str body) {
  json_t *list = json_array();
  (void)body;
  for (const struct plugin *plugin = plugin_first(); plugin; plugin = plugin->next)
    json_array_append_new(list, module_json(plugin));
  reply_json(x, 200, json_pack("{s:o}", "modules", list));
}

static json_t *hooks_json(const struct plugin *plugin) {
  json_t *list = json_array();
  for (unsigned i = 0; i < PLUGIN_HOOKS && plugin->hooks[i].what; i++) {
    const struct hook_time *hook = &plugin->hooks[i];
    json_array_append_new(
        list, json_pack("{s:s, s:I, s:f}", "hook", hook->what, "calls", (json_int_t)hook->calls, "seconds", (double)hook->total_ns / 1e9));
  }
  return list;
}

static void refuse_unknown(struct http_exchange *x, bp_str id) {
  char hint[128] = "GET /api/backplane/modules lists them";
  struct nearest search = {.wanted = id};
  for (const struct plugin *plugin = plugin_first(); plugin; plugin = plugin->next)
    nearest_offer(&search, str_from(plugin->id));
  if (search.best.len)
    snprintf(hint, sizeof(hint), "did you mean \"%.*s\"?", (int)search.best.len, search.best.ptr);
  reply_problem(x, 404, "no module of this name is loaded", hint);
}

void api_module(struct http_exchange *x, bp_str body) {
  (void)body;
  bp_str id = read_last_segment(x, "/api/backplane/modules/");
  const struct plugin *plugin = id.len ? plugin_find(id) : NULL;
  if (!id.len)
    return;
  if (!plugin) {
    refuse_unknown(x, id);
    return;
  }
  json_t *module = module_json(plugin);
  if (module)
    json_object_set_new(module, "hooks", hooks_json(plugin));
  reply_json(x, 200, module);
}

/* With those that do not run, and why: a module that fails keeps no other from running, so the reload as such went well. */
static json_t *failed_json(void) {
  json_t *list = json_array();
  for (const struct plugin *plugin = plugin_first(); plugin; plugin = plugin->next)
    if (plugin->phase == PLUGIN_FAILED)
      json_array_append_new(list, json_pack("{s:s, s:s}", "id", plugin->id, "failure", plugin->failure));
  return list;
}

static void reload_over(void *ctx) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && host_run.is_stopping)
    reply_problem(x, 503, "the host is stopping", NULL);
  else if (x)
    reply_json(x, 200, json_pack("{s:b, s:o}", "ok", 1, "failed", failed_json()));
}

void api_reload(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  (void)body;
  bp_status status = host_reload(&err);
  if (status != BP_OK) {
    reply_failure(x, status, &err);
    return;
  }
  struct waiting *waiting = waiting_begin(x);
  if (loader_when_settled(reload_over, waiting) == BP_OK)
    return;
  waiting_end(waiting);
  reply_problem(x, 503, "the configuration is loaded; modules are still being started, and many wait for that already",
                "GET /api/backplane/modules says how they are");
}
