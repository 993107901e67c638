/* Migrations that begin with the second. */
#include "bad.h"

static const bp_migration migrations[] = {{sizeof(bp_migration), 2, BP_STR("CREATE TABLE migration_gap_x (a)")}};
DESCRIPTOR("migration-gap", .migrations = BP_ARRAY(migrations))
