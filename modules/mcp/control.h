/* Operations by hand that wait for a server to end. */
#ifndef MCP_CONTROL_H
#define MCP_CONTROL_H

#include "instance.h"

/* An instance has ended: whoever waits for its server's end goes on. */
void control_ended(struct mcp *m, const struct server *server);

#endif
