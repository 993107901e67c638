/* A table that refers to another plugin's: SQLite would read this one whenever that one is changed. */
#include "bad.h"

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE foreign_key_notes (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES good_things(id))")}};
DESCRIPTOR("foreign-key", .migrations = BP_ARRAY(migrations))
