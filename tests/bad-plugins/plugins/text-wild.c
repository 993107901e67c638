/* A string with a length and no bytes. */
#include "bad.h"

DESCRIPTOR("text-wild", .summary = {NULL, 12})
