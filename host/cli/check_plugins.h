/* The checks of `backplane check` that open plugins. */
#ifndef HOST_CLI_CHECK_PLUGINS_H
#define HOST_CLI_CHECK_PLUGINS_H

#include "config/config.h"
#include <jansson.h>

/* Checks each module of the configuration by itself, and, where all are good, all of them together. Returns a new array of
 * their descriptors (loader/inspect.h). */
json_t *check_plugins(const struct config *config, const char *module_dir, json_t *findings);

#endif
