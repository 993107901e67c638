/* A search index over a column that its table does not have. */
#include "bad.h"

static const bp_migration migrations[] = {{sizeof(bp_migration), 1, BP_STR("CREATE TABLE search_column_notes (id INTEGER PRIMARY KEY, text TEXT)")}};
static const bp_str columns[] = {BP_STR("txt")};
static const bp_search_index searches[] = {{sizeof(bp_search_index), 0, BP_STR("notes"), BP_STR("search_column_notes"), BP_ARRAY(columns)}};
DESCRIPTOR("search-column", .migrations = BP_ARRAY(migrations), .searches = BP_ARRAY(searches))
