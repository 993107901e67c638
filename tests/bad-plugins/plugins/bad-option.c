/* Declares one option; the test configures another. */
#include "bad.h"

static const bp_option options[] = {
    {.size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR("interval_ms"), .doc = BP_STR("How often."), .def = BP_STR("5")}};
DESCRIPTOR("bad-option", .options = BP_ARRAY(options))
