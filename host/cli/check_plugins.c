/* Checks of plugins, each in a limited child: file and descriptor, options, schemas; then needs and routes of all together. */
#include "cli/check_plugins.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/findings.h"
#include "cli/paths.h"
#include "cli/probe.h"
#include "loader/inspect.h"
#include "loader/loader.h"
#include "loader/resolve.h"
#include "json/schema.h"

#include <stdlib.h>
#include <string.h>

struct check {
  const struct config *config;
  const struct config_module *module; /* the one being checked */
  char *private_dir;
};

static char *module_path(const struct check *check, const struct config_module *module) {
  if (module->path)
    return str_dupz(str_from(module->path));
  struct buf name = {0};
  buf_printf(&name, "%s.so", module->id);
  buf_append_char(&name, '\0');
  char *path = path_join(check->config->module_dir, name.data);
  buf_release(&name);
  return path;
}

static struct image *open_module(const struct check *check, const struct config_module *module, bp_error *err) {
  char *path = module_path(check, module);
  struct image *image = image_open(path, check->private_dir, err);
  free(path);
  return image;
}

/* ---- In the child, one module ---- */

static void check_schema(const struct check *check, const bp_route *route, const char *what, bp_str text, json_t *findings) {
  bp_error err = BP_ERROR_INIT;
  if (!text.len)
    return;
  struct schema *schema = schema_compile(text, &err);
  if (!schema)
    finding_add(findings, check->module->file, check->module->line, err.hint, "module \"%s\": the %s schema of \"%.*s\" at \"%s\": %s",
                check->module->id, what, (int)route->operation_id.len, route->operation_id.ptr, err.pointer, err.message);
  schema_free(schema);
}

static void check_schemas(const struct check *check, bp_array routes, json_t *findings) {
  for (uint32_t i = 0; i < routes.count; i++) {
    bp_route route;
    array_item(routes, i, &route);
    check_schema(check, &route, "body", route.body_schema, findings);
    check_schema(check, &route, "response", route.response_schema, findings);
  }
}

static void check_options(const struct check *check, const bp_array *declared, json_t *findings) {
  struct config_errors errors = {0};
  json_t *options = NULL;
  if (config_check_options(check->module, declared, &options, &errors))
    json_decref(options);
  finding_add_errors(findings, &errors);
}

static json_t *description(const struct check *check, bp_error *err) {
  struct buf text = {0};
  char *path = module_path(check, check->module);
  json_t *plugin = inspect_json(path, &text, err) == BP_OK ? doc_parse(buf_str(&text), &probe_limits, err) : NULL;
  free(path);
  buf_release(&text);
  return plugin;
}

static json_t *check_one(void *arg, bp_error *err) {
  const struct check *check = arg;
  struct image *image = open_module(check, check->module, err);
  json_t *plugin = image ? description(check, err) : NULL;
  if (!plugin)
    return NULL; /* the process ends here: nothing is closed */
  const bp_plugin_descriptor *descriptor = image_descriptor(image);
  json_t *findings = json_array();
  if (!str_eq(descriptor->id, str_from(check->module->id)))
    finding_add(findings, check->module->file, check->module->line, "write the id the plugin has",
                "the plugin of module \"%s\" calls itself \"%.*s\"", check->module->id, (int)descriptor->id.len, descriptor->id.ptr);
  check_options(check, &descriptor->options, findings);
  check_schemas(check, descriptor->routes, findings);
  image_close(image);
  return json_pack("{s:o, s:o}", "findings", findings, "plugin", plugin);
}

/* ---- In the child, all modules together ---- */

static json_t *check_together(void *arg, bp_error *err) {
  const struct check *check = arg;
  unsigned count = 0;
  for (const struct config_module *module = check->config->modules; module; module = module->next)
    count++;
  struct resolve_item *items = mem_array(count, sizeof(*items));
  unsigned *order = mem_array(count, sizeof(*order));
  unsigned at = 0;
  for (const struct config_module *module = check->config->modules; module; module = module->next, at++) {
    const struct image *image = open_module(check, module, err);
    items[at].descriptor = image ? image_descriptor(image) : NULL;
    items[at].path = module->id;
  }
  resolve(items, count, order);
  json_t *findings = json_array();
  at = 0;
  for (const struct config_module *module = check->config->modules; module; module = module->next, at++)
    if (items[at].is_refused)
      finding_add(findings, module->file, module->line, NULL, "%.*s", (int)items[at].refusal.len, items[at].refusal.data);
  return findings; /* as above */
}

/* ---- In this process ---- */

static void probe_module(struct check *check, json_t *plugins, json_t *findings) {
  bp_error err = BP_ERROR_INIT;
  json_t *answer = probe_run(check_one, check, &err);
  if (!answer) {
    finding_add(findings, check->module->file, check->module->line, err.hint, "module \"%s\": %s", check->module->id, err.message);
    return;
  }
  json_array_extend(findings, json_object_get(answer, "findings"));
  json_array_append(plugins, json_object_get(answer, "plugin"));
  json_decref(answer);
}

static void probe_together(struct check *check, json_t *findings) {
  bp_error err = BP_ERROR_INIT;
  json_t *answer = probe_run(check_together, check, &err);
  if (answer)
    json_array_extend(findings, answer);
  else
    finding_add(findings, check->config->file, 0, err.hint, "opening all modules together: %s", err.message);
  json_decref(answer);
}

json_t *check_plugins(const struct config *config, json_t *findings) {
  struct check check = {.config = config, .private_dir = probe_folder()};
  json_t *plugins = json_array();
  size_t before = json_array_size(findings);
  if (!check.private_dir) {
    finding_add(findings, config->file, 0, NULL, "plugins are not checked: there is no folder for copies of them");
    return plugins;
  }
  for (check.module = config->modules; check.module; check.module = check.module->next)
    probe_module(&check, plugins, findings);
  if (config->modules && json_array_size(findings) == before)
    probe_together(&check, findings);
  probe_folder_remove(check.private_dir);
  return plugins;
}
