/* Needs an interface, a revision and a service that are not there: all three are named in one message. */
#include "bad.h"

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR("bp.teleport/1"), 16, 0},
    {sizeof(bp_need), 0, BP_STR("bp.log/9"), 16, 0},
    {sizeof(bp_need), 0, BP_STR("zoo.unicorn/2"), 0, 0},
    {sizeof(bp_need), BP_NEED_OPTIONAL, BP_STR("zoo.optional/1"), 0, 0},
};
DESCRIPTOR("needs-missing", .needs = BP_ARRAY(needs))
