/* `backplane reload`: the running host loads its configuration and its rules again. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdio.h>

static int run(const struct cli_call *call) {
  json_t *loaded = client_request(call, "POST", "/api/backplane/reload", NULL);
  if (!loaded)
    return CLI_FAILED;
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
  return CLI_DONE;
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
