/* Its routes belong to a family nobody declares. */
#include "bad.h"

static const bp_route routes[] = {ROUTE("GET", "/x", "get_x")};
DESCRIPTOR("unknown-family", .family = BP_STR("atlantis"), .routes = BP_ARRAY(routes))
