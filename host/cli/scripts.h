/* The folder of rules a command works on: --scripts, else what the configuration says. */
#ifndef HOST_CLI_SCRIPTS_H
#define HOST_CLI_SCRIPTS_H

#include "cli/command.h"

/* The folder, owned by the caller; NULL with the reason said on stderr. */
char *scripts_find(const struct cli_call *call);

#endif
