/* A header parameter whose name no request can have. */
#include "bad.h"

static const bp_family families[] = {FAMILY("param-header")};
static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_HEADER, .type = BP_PARAM_STRING, .name = BP_STR("x key\r\n")},
};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .params = BP_ARRAY(params))};
DESCRIPTOR("param-header", .family = BP_STR("param-header"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
