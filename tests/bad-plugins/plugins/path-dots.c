/* A path that no client can ask for. */
#include "bad.h"

static const bp_family families[] = {FAMILY("path-dots")};
static const bp_route routes[] = {ROUTE("GET", "/a/../b", "get_b")};
DESCRIPTOR("path-dots", .family = BP_STR("path-dots"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
