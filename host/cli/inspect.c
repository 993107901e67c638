/* `backplane inspect`: a plugin's descriptor, read in a limited child without starting anything of it. */
#include "loader/inspect.h"
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/probe.h"
#include "cli/say.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

static void show_list(const char *title, const char *member, const json_t *list) {
  size_t index;
  const json_t *item;
  if (json_array_size(list) == 0)
    return;
  printf("\n%s\n", title);
  json_array_foreach(list, index, item) {
    fputs("  ", stdout);
    if (json_is_string(item))
      say_text(json_string_value(item));
    else
      say_text(json_string_value(json_object_get(item, member)));
  }
}

static void show_routes(const json_t *routes) {
  static const char *const headings[] = {"METHOD", "PATH", "OPERATION", "SUMMARY"};
  json_t *rows = json_array();
  size_t index;
  const json_t *route;
  json_array_foreach(routes, index, route)
      json_array_append_new(rows, json_pack("[O?, O?, O?, O?]", json_object_get(route, "method"), json_object_get(route, "path"),
                                            json_object_get(route, "operation_id"), json_object_get(route, "summary")));
  putchar('\n');
  if (json_array_size(rows))
    say_table(headings, 4, rows);
  json_decref(rows);
}

static void show_options(const json_t *options) {
  static const char *const headings[] = {"OPTION", "TYPE", "DEFAULT", "WHAT IT IS"};
  json_t *rows = json_array();
  size_t index;
  const json_t *option;
  json_array_foreach(options, index, option)
      json_array_append_new(rows, json_pack("[O?, O?, O?, O?]", json_object_get(option, "name"), json_object_get(option, "type"),
                                            json_object_get(option, "default"), json_object_get(option, "doc")));
  putchar('\n');
  if (json_array_size(rows))
    say_table(headings, 4, rows);
  json_decref(rows);
}

static void show(const json_t *plugin) {
  static const char *const names[] = {"id", "version", "summary", "family", "migrations", "statements", "searches", NULL};
  say_pairs(plugin, names);
  show_options(json_object_get(plugin, "options"));
  show_routes(json_object_get(plugin, "routes"));
  show_list("needs", "interface", json_object_get(plugin, "needs"));
  show_list("provides", NULL, json_object_get(plugin, "provides"));
  show_list("topics", "name", json_object_get(plugin, "topics"));
}

static json_t *inspect_file(void *arg, bp_error *err) {
  struct buf text = {0};
  json_t *plugin = inspect_json(arg, &text, err) == BP_OK ? doc_parse(buf_str(&text), &probe_limits, err) : NULL;
  buf_release(&text);
  return plugin;
}

static int run(const struct cli_call *call) {
  bp_error err = BP_ERROR_INIT;
  char *path = path_absolute(call->words[0]);
  if (!path)
    return CLI_FAILED;
  json_t *plugin = probe_run(inspect_file, path, &err);
  free(path);
  if (!plugin)
    return say_error(&err);
  if (call->wants_json)
    say_json(plugin);
  else
    show(plugin);
  json_decref(plugin);
  return CLI_DONE;
}

const struct cli_command command_inspect = {
    .name = "inspect",
    .synopsis = "FILE [--json]",
    .summary = "show what a plugin file says about itself",
    .help = "Opens a plugin's .so, reads its descriptor and checks it: id, version, needs, options, routes, topics.\n"
            "Nothing of the plugin is started. The file must be owned by you or root, and not be writable for others.",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
