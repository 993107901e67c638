/* A default that is no value of the parameter's type. */
#include "bad.h"

static const bp_family families[] = {FAMILY("param-default")};
static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_INTEGER, .name = BP_STR("limit"), .def = BP_STR("many")},
};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .params = BP_ARRAY(params))};
DESCRIPTOR("param-default", .family = BP_STR("param-default"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
