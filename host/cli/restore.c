/* `backplane restore`: puts a backup in place of the store, while no host runs. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "state_dir.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const struct cli_call *call) {
  bp_error err = BP_ERROR_INIT;
  if (client_is_running(call))
    return say_failure("a host is running on \"%s\"; stop it before restoring", call->state_dir);
  char *path = path_absolute(call->words[0]);
  if (!path)
    return CLI_FAILED;
  bp_status status = state_dir_prepare(call->state_dir, &err);
  if (status == BP_OK)
    status = store_restore(call->state_dir, path, &err);
  if (status == BP_OK)
    printf("restored \"%s\"\n", path);
  free(path);
  return status == BP_OK ? CLI_DONE : say_error(&err);
}

const struct cli_command command_restore = {
    .name = "restore",
    .synopsis = "FILE",
    .summary = "put a backup in place of the store (while no host runs)",
    .help = "Replaces the store with a file that `backplane backup` wrote. Refused while a host runs on the state folder.",
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
