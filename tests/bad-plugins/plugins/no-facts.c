/* A route that changes things, with neither facts for a policy nor the word that there is none. */
#include "bad.h"

static const bp_family families[] = {FAMILY("no-facts")};
static const bp_route routes[] = {ROUTE_WITH("POST", "/x", "post_x", .policy = {NULL, 0})};
DESCRIPTOR("no-facts", .family = BP_STR("no-facts"), .families = BP_ARRAY(families), .routes = BP_ARRAY(routes))
