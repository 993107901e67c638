/* Declares the family, and a route that route-twice-b wants too. */
#include "bad.h"

static const bp_family families[] = {FAMILY("route-twice")};
static const bp_route routes[] = {ROUTE("GET", "/twice/{id}", "get_twice")};
DESCRIPTOR("route-twice-a", .family = BP_STR("route-twice"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
