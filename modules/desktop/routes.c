/* The route table: where each URL of this module is answered. */
#include "desktop.h"

#define ROUTE(verb, template, id, text)                                                                                                              \
  .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(template), .operation_id = BP_STR(id), .summary = BP_STR(text)

const bp_route desktop_routes[ROUTE_COUNT] = {
    {ROUTE("GET", "/health", "get_health", "Is the service up, since when, and how much memory it takes"), .scope = BP_STR("public"),
     .handle = desktop_health},
    {ROUTE("GET", "/api", "get_index", "What is offered, and where"), .handle = desktop_index},
    {ROUTE("GET", "/api/status", "get_status", "Version, environment and open sockets"), .handle = desktop_status},
};
