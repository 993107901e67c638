/* `backplane backup`: a consistent copy of the running host's store. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/say.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const struct cli_call *call) {
  char *path = path_absolute(call->words[0]);
  if (!path)
    return CLI_FAILED;
  json_t *wanted = json_pack("{s:s}", "path", path);
  if (!wanted) {
    say_failure("the path \"%s\" is not UTF-8", path);
    free(path);
    return CLI_FAILED;
  }
  json_t *made = client_request(call, "POST", "/api/backplane/backup", wanted);
  if (made && call->wants_json)
    say_json(made);
  else if (made)
    printf("wrote \"%s\" (%" JSON_INTEGER_FORMAT " bytes)\n", path, json_integer_value(json_object_get(made, "size_bytes")));
  int code = made ? CLI_DONE : CLI_FAILED;
  json_decref(made);
  json_decref(wanted);
  free(path);
  return code;
}

const struct cli_command command_backup = {
    .name = "backup",
    .synopsis = "FILE",
    .summary = "copy the running host's store to a file",
    .help = "Writes a consistent image of the store to FILE while the host runs. FILE must not exist.\n"
            "It holds everything modules have stored; it does not hold tokens, the configuration or modules' own files.",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
