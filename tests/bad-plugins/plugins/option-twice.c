/* Two options of one name. */
#include "bad.h"

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("size"),
     .doc = BP_STR("A number."),
     .def = BP_STR("1"),
     .minimum = 1,
     .maximum = 5},
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("size"),
     .doc = BP_STR("A number."),
     .def = BP_STR("2"),
     .minimum = 1,
     .maximum = 5},
};
DESCRIPTOR("option-twice", .options = BP_ARRAY(options))
