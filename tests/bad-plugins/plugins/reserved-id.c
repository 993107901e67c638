/* An id of the host's own. */
#include "bad.h"

DESCRIPTOR("bp.mine", .start = NULL)
