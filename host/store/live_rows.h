/* Rows of live_log after a sequence, in order: of all topics by one scan, or of some by merging what the index has of each, so that
 * what happens rarely is found without reading everything that happened since. On a reader's thread, inside its transaction. */
#ifndef HOST_STORE_LIVE_ROWS_H
#define HOST_STORE_LIVE_ROWS_H

#include <backplane/base.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* More topics than these are read by scanning. */
#define LIVE_ROWS_TOPICS_MOST 32u

/* Columns of a row. */
enum { LIVE_ROW_SEQ, LIVE_ROW_TOPIC, LIVE_ROW_KEY, LIVE_ROW_TIME, LIVE_ROW_PAYLOAD };

struct live_rows {
  sqlite3_stmt *stmts[LIVE_ROWS_TOPICS_MOST];
  int64_t heads[LIVE_ROWS_TOPICS_MOST]; /* sequence of the row each stands on; INT64_MAX: at its end */
  uint32_t count;
  uint32_t current; /* whose row was given last */
  bool is_begun;
};

/* `wants` says whether a topic is asked for; NULL: all are. Returns SQLITE_OK, or what failed; release it in any case. */
int live_rows_open(struct live_rows *rows, sqlite3 *db, uint64_t after, bool (*wants)(const void *ctx, bp_str topic), const void *ctx);
/* SQLITE_ROW with the statement that stands on the row, SQLITE_DONE, or what failed. */
int live_rows_next(struct live_rows *rows, sqlite3_stmt **ret);
void live_rows_release(struct live_rows *rows);

#endif
