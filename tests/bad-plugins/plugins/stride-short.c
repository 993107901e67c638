/* Elements that overlap. */
#include "bad.h"

static const bp_route routes[] = {ROUTE("GET", "/x", "get_x"), ROUTE("GET", "/y", "get_y")};
static const bp_family families[] = {FAMILY("stride-short")};
DESCRIPTOR("stride-short", .family = BP_STR("stride-short"), .families = BP_ARRAY(families), .routes = {routes, 2, 16})
