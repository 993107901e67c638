/* A flag that only a newer host knows. */
#include "bad.h"

static const bp_family families[] = {FAMILY("newer-flag")};
static const bp_route routes[] = {ROUTE_WITH("GET", "/x", "get_x", .flags = 0x8000)};
DESCRIPTOR("newer-flag", .abi_minor = 7, .family = BP_STR("newer-flag"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
