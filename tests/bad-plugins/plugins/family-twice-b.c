/* Two of these declare one family. */
#include "bad.h"

static const bp_family families[] = {FAMILY("family-twice")};
DESCRIPTOR("family-twice-b", .families = BP_ARRAY(families))
