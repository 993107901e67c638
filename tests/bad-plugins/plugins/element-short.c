/* An element whose size member is smaller than the first revision's. */
#include "bad.h"

static const bp_family families[] = {FAMILY("element-short")};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .size = 8)};
DESCRIPTOR("element-short", .family = BP_STR("element-short"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
