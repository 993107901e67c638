/* The SQL of one full-text index: its table, its triggers, its watermark. Used by search_declare on main and by the writer. */
#ifndef HOST_STORE_SEARCH_INDEX_H
#define HOST_STORE_SEARCH_INDEX_H

#include "store/database.h"
#include <backplane/db.h>

/* A row of bp_search, as it is stored. `columns` is the quoted, comma-separated list. */
struct search_row {
  int64_t id;
  char *base, *columns;
  int64_t upto;
};

/* Makes the index for a new row of bp_search. SQLite's code. */
int search_index_create(struct database *d, int64_t id, const char *base, const char *columns);
int search_index_drop(struct database *d, int64_t id);
/* Reads the row; false if it is gone. Free with search_row_release. */
bool search_row_read(struct database *d, int64_t id, struct search_row *ret);
void search_row_release(struct search_row *row);
/* The largest rowid of the table, or INT64_MIN. */
int64_t search_row_newest(struct database *d, const struct search_row *row);
/* True while rows below the watermark have changed since they were indexed. */
bool search_row_has_stale(struct database *d, const struct search_row *row);
/* Follows changed rows and indexes rows above the watermark, at most one piece of them, and moves it. Inside a transaction. SQLite's code. */
int search_row_index_some(struct database *d, struct search_row *row);

#endif
