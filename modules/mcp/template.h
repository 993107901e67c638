/* Whether a URI may come from a URI template (RFC 6570), as far as it takes to find the server that has it. */
#ifndef MCP_TEMPLATE_H
#define MCP_TEMPLATE_H

#include <backplane/base.h>
#include <stdbool.h>

/* False also for more than 16 expressions, or more than 2048 bytes. */
bool template_fits(bp_str pattern, bp_str uri);

#endif
