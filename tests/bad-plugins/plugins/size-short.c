/* A descriptor that ends in the middle. */
#include "bad.h"

DESCRIPTOR("size-short", .size = offsetof(bp_plugin_descriptor, create))
