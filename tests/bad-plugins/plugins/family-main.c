/* A family under the host's own name. */
#include "bad.h"

static const bp_family families[] = {FAMILY("main")};

DESCRIPTOR("family-main", .families = BP_ARRAY(families))
