/* A server reached over Streamable HTTP instead of a process of ours. */
#ifndef MCP_REMOTE_H
#define MCP_REMOTE_H

#include "instance.h"

/* `headers` is JSON text of an object of texts, or empty. NULL without memory. */
struct remote *remote_open(struct instance *instance, bp_str headers);
/* Sends one message. False: too many are on their way. */
bool remote_send(struct remote *remote, bp_str message);
/* Begins to listen for what the server sends by itself. */
void remote_listen(struct remote *remote);
void remote_tick(struct remote *remote);
/* Ends the session there and forgets it; nothing of the instance is called any more. */
void remote_close(struct remote *remote);

#endif
