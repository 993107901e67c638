/* Nothing is wrong with this one: it runs beside the others and must go on. */
#include "bad.h"

static const bp_family families[] = {FAMILY("good")};
static const bp_route routes[] = {ROUTE("GET", "/good", "get_good")};
DESCRIPTOR("good", .family = BP_STR("good"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
