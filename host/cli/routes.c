/* `backplane routes`: what the running host answers to. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <string.h>

static bool is_wanted(const json_t *route, const char *member, const char *wanted) {
  const char *found = json_string_value(json_object_get(route, member));
  return !wanted || (found && strcmp(found, wanted) == 0);
}

static void show(const struct cli_call *call, const json_t *routes) {
  static const char *const headings[] = {"METHOD", "PATH", "FAMILY", "MODULE", "SCOPE", "OPERATION"};
  json_t *rows = json_array();
  size_t index;
  const json_t *route;
  json_array_foreach(routes, index, route) {
    if (!is_wanted(route, "family", cli_value(call, "--family")) || !is_wanted(route, "module", cli_value(call, "--module")))
      continue;
    json_array_append_new(rows, json_pack("[O?, O?, O?, O?, O?, O?]", json_object_get(route, "method"), json_object_get(route, "path"),
                                          json_object_get(route, "family"), json_object_get(route, "module"), json_object_get(route, "scope"),
                                          json_object_get(route, "operation")));
  }
  say_table(headings, 6, rows);
  json_decref(rows);
}

static int run(const struct cli_call *call) {
  json_t *answer = client_get(call, "/api/backplane/routes");
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(answer);
  else
    show(call, json_object_get(answer, "routes"));
  json_decref(answer);
  return CLI_DONE;
}

static const struct cli_option options[] = {
    {"--family", NULL, "NAME", "only this family's routes"},
    {"--module", NULL, "ID", "only this module's routes"},
    {0},
};

const struct cli_command command_routes = {
    .name = "routes",
    .synopsis = "[--family NAME] [--module ID] [--json]",
    .summary = "list the running host's routes",
    .help = "Lists every route: method, path, family, the module that answers, the scope it needs, its operation id.",
    .options = options,
    .run = run,
};
