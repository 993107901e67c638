/* `backplane modules`: the modules of the running host. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

static void show(const json_t *modules) {
  static const char *const headings[] = {"MODULE", "VERSION", "PHASE", "ROUTES", "SAYS"};
  json_t *rows = json_array();
  size_t index;
  const json_t *module;
  json_array_foreach(modules, index, module) {
    json_t *says = json_object_get(module, "failure");
    if (!json_is_string(says))
      says = json_object_get(module, "status");
    json_array_append_new(rows, json_pack("[O?, O?, O?, O?, O?]", json_object_get(module, "id"), json_object_get(module, "version"),
                                          json_object_get(module, "phase"), json_object_get(module, "route_count"), says));
  }
  say_table(headings, 5, rows);
  json_decref(rows);
}

static int run(const struct cli_call *call) {
  json_t *answer = client_get(call, "/api/backplane/modules");
  if (!answer)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(answer);
  else
    show(json_object_get(answer, "modules"));
  json_decref(answer);
  return CLI_DONE;
}

const struct cli_command command_modules = {
    .name = "modules",
    .synopsis = "[--json]",
    .summary = "list the running host's modules",
    .help = "Lists every module of the running host: version, phase (started, failed, draining …), number of routes, and why it failed.",
    .run = run,
};
