/* Two of these provide one service. */
#include "bad.h"

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR("zoo.twice/1")}};
DESCRIPTOR("service-twice-a", .provides = BP_ARRAY(provides))
