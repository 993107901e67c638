/* Forgot the size. */
#include "bad.h"

DESCRIPTOR("size-zero", .size = 0)
