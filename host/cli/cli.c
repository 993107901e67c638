/* The table of commands and their dispatch. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>

const struct cli_command *const cli_commands[] = {
    &command_acp,
    &command_approvals,
    &command_backup,
    &command_check,
    &command_doctor,
    &command_help,
    &command_inspect,
    &command_jobs,
    &command_logs,
    &command_mcp,
    &command_module,
    &command_modules,
    &command_plugin,
    &command_policy,
    &command_reload,
    &command_restore,
    &command_routes,
    &command_run,
    &command_secret,
    &command_status,
    &command_token,
    &command_version,
    NULL,
};

const struct cli_command *cli_find(const char *name) {
  for (const struct cli_command *const *command = cli_commands; *command; command++)
    if (strcmp((*command)->name, name) == 0)
      return *command;
  return NULL;
}

int cli_main(int argc, char **argv) {
  struct cli_call call = {0};
  int code = cli_parse(argc, argv, &call);
  if (code == CLI_DONE && cli_value(&call, "--help"))
    code = help_show(call.command);
  else if (code == CLI_DONE)
    code = call.command->run(&call);
  free(call.state_dir);
  if (fflush(stdout) != 0 && code == CLI_DONE)
    code = CLI_FAILED;
  return code;
}
