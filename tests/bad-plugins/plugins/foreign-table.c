/* A migration that makes a table in another plugin's name. */
#include "bad.h"

static const bp_migration migrations[] = {{sizeof(bp_migration), 1, BP_STR("CREATE TABLE good_things (a)")}};
DESCRIPTOR("foreign-table", .migrations = BP_ARRAY(migrations))
