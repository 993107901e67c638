/* Which configuration and modules a command is about: what the command line names, else those of the running host, else the
 * configuration that `backplane run` would find. */
#ifndef HOST_CLI_PLACE_H
#define HOST_CLI_PLACE_H

#include "cli/command.h"
#include <jansson.h>

struct cli_place {
  json_t *status;         /* of the running host, or NULL */
  char *config_file;      /* NULL: there is none */
  const char *module_dir; /* NULL: the configuration's */
};

/* False, said on stderr: a host runs but does not answer. cli_place_release() is due in any case. */
bool cli_place_find(const struct cli_call *call, struct cli_place *ret);
void cli_place_release(struct cli_place *place);

#endif
