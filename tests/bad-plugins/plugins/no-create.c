/* Cannot be made. */
#include "bad.h"

DESCRIPTOR("no-create", .create = NULL)
