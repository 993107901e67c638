/* A migration that is not SQL. */
#include "bad.h"

static const bp_need needs[] = {NEED(BP_DB_1, bp_db_1)};
static const bp_migration migrations[] = {{sizeof(bp_migration), 1, BP_STR("CREATE TABEL bad_migration_x (a)")}};
DESCRIPTOR("bad-migration", .needs = BP_ARRAY(needs), .migrations = BP_ARRAY(migrations))
