/* A need whose name is one letter off. */
#include "bad.h"

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR("bp.lgo/1"), 8, 0}};
DESCRIPTOR("needs-misspelt", .needs = BP_ARRAY(needs))
