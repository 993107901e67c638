/* The host's own routes: on the main listener and the control socket only. The table is in api.c. */
#ifndef HOST_API_API_H
#define HOST_API_API_H

/* Adds the routes to the router. Once, after router_init. Main thread. */
void api_init(void);

#endif
