/* A schema with a keyword outside the subset. */
#include "bad.h"

static const bp_family families[] = {FAMILY("unknown-keyword")};
static const bp_route routes[] = {ROUTE_WITH("POST", "/x", "post_x", .body_schema = BP_STR("{\"type\":\"object\",\"maxProperties\":3}"))};
DESCRIPTOR("unknown-keyword", .family = BP_STR("unknown-keyword"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
