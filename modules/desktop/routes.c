/* The route table: where each URL of this module is answered. */
#include "desktop.h"

const bp_route desktop_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/health", "get_health", "Is the service up, since when, and how much memory it takes"), .scope = BP_STR("public"),
     .handle = desktop_health},
    {KIT_ROUTE("GET", "/api", "get_index", "What is offered, and where"), .handle = desktop_index},
    {KIT_ROUTE("GET", "/api/status", "get_status", "Version, environment and open sockets"), .handle = desktop_status},
};
