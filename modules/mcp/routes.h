/* The route table of the module. */
#ifndef MCP_ROUTES_H
#define MCP_ROUTES_H

#include "hub.h"

#define MESSAGE_BYTES_MOST (16ull << 20) /* of one message, from a client or from a server */
#define ROUTE_COUNT 19
extern const bp_route mcp_routes[ROUTE_COUNT];

#endif
