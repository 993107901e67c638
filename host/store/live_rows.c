/* Merging the rows of some topics; see live_rows.h. */
#include "store/live_rows.h"

#include <string.h>

#define COLUMNS "SELECT seq, topic, key, time_ns, payload FROM live_log "
static const char scan_sql[] = COLUMNS "WHERE seq > ?1 ORDER BY seq";
static const char topic_sql[] = COLUMNS "INDEXED BY live_log_topic WHERE topic = ?2 AND seq > ?1 ORDER BY seq";
/* Goes from topic to topic in the index: as many steps as there are topics, however many rows. */
static const char topics_sql[] = "WITH RECURSIVE each(topic) AS (SELECT min(topic) FROM live_log UNION ALL SELECT (SELECT min(topic) FROM live_log "
                                 "WHERE topic > each.topic) FROM each WHERE each.topic IS NOT NULL) SELECT topic FROM each WHERE topic IS NOT NULL";

static int add(struct live_rows *rows, sqlite3 *db, const char *sql, uint64_t after, bp_str topic) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  rows->stmts[rows->count++] = stmt;
  sqlite3_bind_int64(stmt, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
  return topic.ptr ? sqlite3_bind_text(stmt, 2, topic.ptr, (int)topic.len, SQLITE_TRANSIENT) : SQLITE_OK;
}

static int open_scan(struct live_rows *rows, sqlite3 *db, uint64_t after) {
  live_rows_release(rows);
  return add(rows, db, scan_sql, after, bp_str_make(NULL, 0));
}

static int open_topics(struct live_rows *rows, sqlite3 *db, sqlite3_stmt *topics, uint64_t after, bool (*wants)(const void *ctx, bp_str topic),
                       const void *ctx) {
  int rc;
  while ((rc = sqlite3_step(topics)) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(topics, 0);
    bp_str topic = bp_str_make(text ? text : "", (size_t)sqlite3_column_bytes(topics, 0));
    if (!wants(ctx, topic))
      continue;
    if (rows->count == LIVE_ROWS_TOPICS_MOST)
      return open_scan(rows, db, after);
    rc = add(rows, db, topic_sql, after, topic);
    if (rc != SQLITE_OK)
      return rc;
  }
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int live_rows_open(struct live_rows *rows, sqlite3 *db, uint64_t after, bool (*wants)(const void *ctx, bp_str topic), const void *ctx) {
  sqlite3_stmt *topics = NULL;
  memset(rows, 0, sizeof(*rows));
  if (!wants)
    return open_scan(rows, db, after);
  int rc = sqlite3_prepare_v2(db, topics_sql, -1, &topics, NULL);
  if (rc == SQLITE_OK)
    rc = open_topics(rows, db, topics, after, wants, ctx);
  sqlite3_finalize(topics);
  return rc;
}

static int advance(struct live_rows *rows, uint32_t index) {
  int rc = sqlite3_step(rows->stmts[index]);
  rows->heads[index] = rc == SQLITE_ROW ? sqlite3_column_int64(rows->stmts[index], LIVE_ROW_SEQ) : INT64_MAX;
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int begin(struct live_rows *rows) {
  int rc = SQLITE_OK;
  rows->is_begun = true;
  for (uint32_t i = 0; i < rows->count && rc == SQLITE_OK; i++)
    rc = advance(rows, i);
  return rc;
}

int live_rows_next(struct live_rows *rows, sqlite3_stmt **ret) {
  if (rows->count == 0)
    return SQLITE_DONE;
  int rc = rows->is_begun ? advance(rows, rows->current) : begin(rows);
  if (rc != SQLITE_OK)
    return rc;
  for (uint32_t i = 0; i < rows->count; i++)
    if (rows->heads[i] < rows->heads[rows->current])
      rows->current = i;
  *ret = rows->stmts[rows->current];
  return rows->heads[rows->current] == INT64_MAX ? SQLITE_DONE : SQLITE_ROW;
}

void live_rows_release(struct live_rows *rows) {
  for (uint32_t i = 0; i < rows->count; i++)
    sqlite3_finalize(rows->stmts[i]);
  memset(rows, 0, sizeof(*rows));
}
