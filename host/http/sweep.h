/* Deadlines of connections: each waits in one list, and one coarse timer looks at the lists' heads while there are any. */
#ifndef HOST_HTTP_SWEEP_H
#define HOST_HTTP_SWEEP_H

#include "http/wire.h"

/* Puts the connection at the end of a list with a fresh deadline. */
void sweep_enter(struct http_connection *c, enum wait_list list);
void sweep_leave(struct http_connection *c);
/* No connection is left: no timer either. */
void sweep_rest(void);
/* The oldest in a list, or NULL. */
struct http_connection *sweep_oldest(enum wait_list list);

#endif
