/* Exports our query and says in its descriptor that it is of another major. */
#include "bad.h"

DESCRIPTOR("other-major", .abi_major = 3)
