/* Routes: tables per family, matching, and the pipeline auth -> route -> schema -> facts -> policy -> handler. */
#ifndef HOST_ROUTER_ROUTER_H
#define HOST_ROUTER_ROUTER_H

#include "http/exchange.h"
#include "router/family.h"
#include <backplane/http.h>

struct plugin;

/* Installs the pipeline as the wire's handler. */
void router_init(void);
void router_release(void);

/* Adds all routes of a plugin, or none. Checks: known family, method, template, unique operation id, schemas compile, a
 * mutating route has facts or policy = none, no other plugin has the same route in that family. */
bp_status router_add(struct plugin *owner, const bp_array *routes, void *state, bp_error *err);
/* From here new requests find nothing (404); those already deferred are still answered. While the owner's phase is
 * PLUGIN_DRAINING and its routes are not yet removed, new requests get 503 with Retry-After. Routes hold on to the owner's
 * descriptor: call it before the image is closed. */
void router_remove(struct plugin *owner);
/* Answers deferred requests of the owner with 503 (BP_CANCEL_DRAIN). */
void router_cancel(struct plugin *owner);
/* Deferred requests of the owner. */
unsigned router_pending(const struct plugin *owner);

/* The host's own routes (host/api): plain handlers on exchanges, main and control listeners only. Exact paths, or a prefix
 * ending in '/'. `scope`: SCOPE_* needed, 0 for public. */
typedef void (*host_handler)(struct http_exchange *x, bp_str body);
struct host_route {
  const char *method;
  const char *path;
  uint32_t scope;
  host_handler handle;
  const char *operation_id;
  const char *summary;
};
void router_add_host_routes(const struct host_route *routes, unsigned count);

/* A plugin's route by its operation id, or NULL. */
struct route;
const struct route *router_find(bp_str plugin, bp_str operation);

/* For `routes`, OpenAPI and the start page: walks all routes. */
struct route_info {
  const struct family *family;
  const struct plugin *owner; /* NULL: the host */
  const bp_route *route;      /* NULL for a host route */
  const struct host_route *host_route;
  const struct schema *body_schema, *response_schema;
};
void router_each(void (*each)(void *ctx, const struct route_info *info), void *ctx);

/* The exchange behind a plugin's request handle, or NULL when stale; for bp.stream, bp.ws and bp.live. */
struct http_exchange *request_exchange(bp_request request);
/* The plugin that owns the route this request runs in. */
struct plugin *request_owner(bp_request request);
/* Marks a request as answered by someone else (file, stream, takeover): the handle turns stale, no 500 follows. */
void request_finish(bp_request request);
/* True between `defer` and the reply. */
bool request_is_deferred(bp_request request);
/* One follower an exchange, for who reads its body or streams its reply: `gone` is called at most once, when the client left
 * (BP_E_CANCELLED) or the wire answered an error itself (BP_E_LIMIT for 413, BP_E_TIMEOUT for 408, else BP_E_IO). NULL
 * follows no more; it ends by itself with the exchange. */
void request_follow(struct http_exchange *x, void (*gone)(struct http_exchange *x, void *ctx, bp_status why), void *ctx);

#endif
