/* The built-in server `backplane`: routes of the host's modules that are flagged as tools. */
#ifndef MCP_BUILTIN_H
#define MCP_BUILTIN_H

#include "hub.h"

/* Reads what is offered now; NULL where nothing is. */
struct server *builtin_refresh(struct mcp *m);
/* Calls one for the client of this request, under its own identity, after the set "mcp" has allowed it. */
void builtin_call(const struct incoming *in, const char *name);
/* The server as it was last read, or NULL. */
const struct server *builtin_server(const struct mcp *m);
/* Puts its tools into the index that is searched, if they have changed since: *ret_tools is for builtin_indexed once that is done. False:
 * nothing had to be done or nothing can be, and `done` is not called. */
bool builtin_index(struct mcp *m, char **ret_tools, bp_db_done_fn done, void *ctx);
/* Takes `tools` over. */
void builtin_indexed(struct mcp *m, char *tools);
void builtin_release(struct mcp *m);

#endif
