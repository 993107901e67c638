/* A flag of a parameter that only a newer host knows. */
#include "bad.h"

static const bp_family families[] = {FAMILY("param-flag")};
static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("q"), .flags = 0x80},
};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .params = BP_ARRAY(params))};
DESCRIPTOR("param-flag", .family = BP_STR("param-flag"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
