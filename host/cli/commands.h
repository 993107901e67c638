/* The commands, each defined in the file of its name. */
#ifndef HOST_CLI_COMMANDS_H
#define HOST_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct cli_command command_acp, command_approvals, command_backup, command_check, command_doctor, command_help, command_inspect,
    command_jobs, command_logs, command_mcp, command_module, command_modules, command_plugin, command_policy, command_reload, command_restore,
    command_routes, command_run, command_secret, command_status, command_token, command_version;

/* One command's help, as `backplane help NAME` and `backplane NAME --help` show it. */
int help_show(const struct cli_command *command);

#endif
