/* One of three that need each other in a circle. */
#include "bad.h"

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR("zoo.circle-c/1"), 0, 0}};
static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR("zoo.circle-b/1")}};
DESCRIPTOR("circle-b", .needs = BP_ARRAY(needs), .provides = BP_ARRAY(provides))
