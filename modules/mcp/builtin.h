/* The built-in server `backplane`: routes of the host's modules that are flagged as tools. */
#ifndef MCP_BUILTIN_H
#define MCP_BUILTIN_H

#include "hub.h"

/* Reads what is offered now; NULL where nothing is. */
struct server *builtin_refresh(struct mcp *m);
/* Calls one for the client of this request, under its own identity, after the set "mcp" has allowed it. */
void builtin_call(const struct incoming *in, const char *name);
void builtin_release(struct mcp *m);

#endif
