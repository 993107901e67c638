/* `backplane reload`: the running host loads its configuration and its rules again. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>

/* True if there are modules that do not run; each is said. */
static bool say_failed(const json_t *failed) {
  size_t i;
  const json_t *module;
  json_array_foreach(failed, i, module) say_failure("module \"%s\" does not run: %s", json_string_value(json_object_get(module, "id")),
                                                    json_string_value(json_object_get(module, "failure")));
  return json_array_size(failed) > 0;
}

static int run(const struct cli_call *call) {
  json_t *loaded = client_request(call, "POST", "/api/backplane/reload", NULL);
  if (!loaded)
    return CLI_FAILED;
  bool all_run = !say_failed(json_object_get(loaded, "failed"));
  json_decref(loaded);
  /* The host loads the rules too, later; asked for them it also says how that went. */
  json_t *rules = client_request(call, "POST", "/api/backplane/policy/reload", NULL);
  if (!rules)
    return CLI_FAILED;
  if (call->wants_json)
    say_json(rules);
  else
    printf("the configuration is loaded; %d sets of rules are in force\n", (int)json_integer_value(json_object_get(rules, "sets")));
  json_decref(rules);
  return all_run ? CLI_DONE : CLI_FAILED;
}

const struct cli_command command_reload = {
    .name = "reload",
    .synopsis = "[--json]",
    .summary = "load the configuration and the rules again",
    .help = "Does what SIGHUP does, and says how it went: new listeners open, modules that were added start, those that were\n"
            "removed end, and those whose options changed are started anew; then the rules are compiled, tested and put in\n"
            "force. A fault changes nothing and is told with file and line. `backplane modules` shows what runs then.",
    .words_min = 0,
    .words_max = 0,
    .run = run,
};
