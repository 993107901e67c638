/* The checks of `backplane check` that open plugins. */
#ifndef HOST_CLI_CHECK_PLUGINS_H
#define HOST_CLI_CHECK_PLUGINS_H

#include "config/config.h"
#include <jansson.h>

/* The configuration's module_dir is settled (run.h). Checks each of its modules by itself, and, where all are good, all of them together. Returns a
 * new array of their descriptors (loader/inspect.h). */
json_t *check_plugins(const struct config *config, json_t *findings);

#endif
