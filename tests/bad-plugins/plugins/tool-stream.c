/* A tool whose body is a stream. */
#include "bad.h"

static const bp_family families[] = {FAMILY("tool-stream")};
static const bp_route routes[] = {ROUTE_WITH("POST", "/x", "post_x", .flags = BP_ROUTE_MCP_TOOL | BP_ROUTE_STREAM)};
DESCRIPTOR("tool-stream", .family = BP_STR("tool-stream"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
