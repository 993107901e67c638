/* The part of `backplane check` that looks at rules. */
#ifndef HOST_CLI_CHECK_POLICY_H
#define HOST_CLI_CHECK_POLICY_H

#include "config/config.h"
#include <jansson.h>

/* Compiles every set of the configuration's scripts folder and runs the tests beside the rules; one finding a set at most. */
void check_policy(const struct config *config, json_t *findings);

#endif
