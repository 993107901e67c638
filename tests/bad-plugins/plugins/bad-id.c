/* An id nobody can write in a configuration. */
#include "bad.h"

DESCRIPTOR("Bad_Id", .start = NULL)
