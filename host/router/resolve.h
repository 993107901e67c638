/* What a request's path means on the listener it came in by: a host route, a family's route, its documentation, or nothing. */
#ifndef HOST_ROUTER_RESOLVE_H
#define HOST_ROUTER_RESOLVE_H

#include "router/match.h"
#include "router/router.h"

enum resolved { RESOLVED_NOTHING, RESOLVED_ROUTE, RESOLVED_HOST, RESOLVED_DOCS };

struct resolution {
  enum resolved kind;          /* NOTHING with match.allow: the path is known, but not the method */
  const struct family *family; /* whose errors are given */
  const struct host_route *host_route;
  uint32_t prefix_len; /* of "/f/<family>" */
  struct match match;
};

/* Fills `ret` for an exchange whose head is complete. */
void router_resolve(const struct http_exchange *x, struct resolution *ret);

/* Rebuilds the tables after routes came or went. `routes` is the list of all, in the order they were added. */
void resolve_rebuild(struct route *routes);
/* Adds host routes; the array must stay valid. */
void resolve_add_host(const struct host_route *routes, unsigned count);
void resolve_each_host(void (*each)(void *ctx, const struct route_info *info), void *ctx);
void resolve_release(void);

#endif
