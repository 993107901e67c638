/* A default outside the option's own bounds. */
#include "bad.h"

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("size"),
     .doc = BP_STR("A number."),
     .def = BP_STR("9"),
     .minimum = 1,
     .maximum = 5},
};
DESCRIPTOR("option-default", .options = BP_ARRAY(options))
