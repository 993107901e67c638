/* An option that nobody could set: the configuration takes its name for the file of the plugin. */
#include "bad.h"

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_INTEGER,
     .name = BP_STR("path"),
     .doc = BP_STR("A number."),
     .def = BP_STR("1"),
     .minimum = 1,
     .maximum = 5},
};
DESCRIPTOR("option-path", .options = BP_ARRAY(options))
