/* Written against a table that is longer than this host's. */
#include "bad.h"

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR(BP_HTTP_1), 9999, 0}};
DESCRIPTOR("need-too-large", .needs = BP_ARRAY(needs))
