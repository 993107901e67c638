/* Needs a service whose provider fails. */
#include "bad.h"

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR("zoo.moon/1"), 0, 0}};
DESCRIPTOR("needs-failed", .needs = BP_ARRAY(needs))
