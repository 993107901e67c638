/* Its route is route-twice-a's under another parameter name. */
#include "bad.h"

static const bp_route routes[] = {ROUTE("GET", "/twice/{name}", "get_again")};
DESCRIPTOR("route-twice-b", .family = BP_STR("route-twice"), .routes = BP_ARRAY(routes))
