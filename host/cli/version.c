/* `backplane version`. */
#include "cli/commands.h"
#include "cli/say.h"
#include "host.h"
#include <backplane/plugin.h>

#include <stdio.h>

static int run(const struct cli_call *call) {
  if (!call->wants_json) {
    printf("backplane %s (plugin ABI %u.%u)\n", HOST_VERSION, BP_ABI_MAJOR, BP_ABI_MINOR);
    return CLI_DONE;
  }
  json_t *version = json_pack("{s:s, s:i, s:i}", "version", HOST_VERSION, "abi_major", (int)BP_ABI_MAJOR, "abi_minor", (int)BP_ABI_MINOR);
  say_json(version);
  json_decref(version);
  return CLI_DONE;
}

const struct cli_command command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "show this host's version and its plugin ABI",
    .help = "Shows the version of this binary, and the plugin ABI it offers.",
    .run = run,
};
