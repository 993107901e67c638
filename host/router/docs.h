/* /docs, /redoc and /openapi.json: pages about a family's routes, made from the routes themselves. */
#ifndef HOST_ROUTER_DOCS_H
#define HOST_ROUTER_DOCS_H

#include "router/router.h"

bool docs_has(bp_str path);
/* Answers one of those paths. */
void docs_reply(struct http_exchange *x, const struct family *family, bp_str path);

/* The host's own /openapi.json. */
#define DOCS_HOST_ROUTES 1u
extern const struct host_route docs_host_routes[DOCS_HOST_ROUTES];

#endif
