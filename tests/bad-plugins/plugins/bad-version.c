/* A version that is none. */
#include "bad.h"

DESCRIPTOR("bad-version", .version = BP_STR("1.0"))
