/* Its id is not the one it is configured under. */
#include "bad.h"

DESCRIPTOR("someone-else", .start = NULL)
