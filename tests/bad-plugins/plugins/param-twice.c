/* Two parameters of one name: a handler could ask for one of them only. */
#include "bad.h"

static const bp_family families[] = {FAMILY("param-twice")};
static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("q")},
    {.size = sizeof(bp_param), .in = BP_IN_HEADER, .type = BP_PARAM_STRING, .name = BP_STR("q")},
};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .params = BP_ARRAY(params))};
DESCRIPTOR("param-twice", .family = BP_STR("param-twice"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
