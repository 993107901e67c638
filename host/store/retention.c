/* Retention of the live log; see retention.h. */
#include "store/retention.h"
#include "base/clock.h"

#define COUNT_ROWS 2000
#define DELETE_ROWS 500
/* What a row costs beyond its strings: record header, numbers, cell pointer. */
#define ROW_OVERHEAD_BYTES 32
/* So many events are counted again, at most, after an unclean stop. */
#define SAVE_EVERY 20000
#define DAY_NS (INT64_C(86400) * 1000000000)

static const char count_sql[] = "SELECT seq, length(CAST(topic AS BLOB)) + length(CAST(key AS BLOB)) + length(CAST(payload AS BLOB)) FROM live_log "
                                "WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
static const char oldest_sql[] = "SELECT seq, length(CAST(topic AS BLOB)) + length(CAST(key AS BLOB)) + length(CAST(payload AS BLOB)), time_ns "
                                 "FROM live_log ORDER BY seq LIMIT ?1";
static const char delete_sql[] = "DELETE FROM live_log WHERE seq <= ?1";
static const char save_sql[] = "INSERT OR REPLACE INTO bp_meta (name, value) VALUES ('live_bytes', ?1), ('live_counted', ?2)";

static struct {
  atomic_llong days, limit_bytes;
  int64_t bytes;   /* of all counted rows */
  int64_t counted; /* every row up to here is in `bytes` ... */
  int64_t at_open; /* ... and every row after this one, added in this run */
  int64_t newest;
  int64_t saved; /* the sequence last saved with the count */
} live;

void retention_set(int64_t days, int64_t bytes) {
  atomic_store(&live.days, days);
  atomic_store(&live.limit_bytes, bytes);
}

void retention_open(struct database *d) {
  live.bytes = database_integer(d, "SELECT value FROM bp_meta WHERE name = 'live_bytes'", 0);
  live.counted = database_integer(d, "SELECT value FROM bp_meta WHERE name = 'live_counted'", 0);
  live.saved = live.counted;
  live.at_open = live.newest = database_integer(d, "SELECT max(seq) FROM live_log", 0);
}

void retention_added(const struct live_row *row) {
  live.bytes += (int64_t)(row->topic.len + row->key.len + row->payload.len) + ROW_OVERHEAD_BYTES;
  live.newest = (int64_t)row->sequence;
}

static int count_some(struct database *d) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(d->db, count_sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, live.counted);
  sqlite3_bind_int64(stmt, 2, live.at_open);
  sqlite3_bind_int(stmt, 3, COUNT_ROWS);
  int rows = 0;
  for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; rows++) {
    live.counted = sqlite3_column_int64(stmt, 0);
    live.bytes += sqlite3_column_int64(stmt, 1) + ROW_OVERHEAD_BYTES;
  }
  sqlite3_finalize(stmt);
  if (rc == SQLITE_DONE && rows < COUNT_ROWS)
    live.counted = live.at_open;
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

struct cut {
  int64_t up_to, bytes;
  int rows;
};

/* Finds how many of the oldest rows are too old or too many; never the newest one, which holds the sequence. */
static int find_cut(struct database *d, struct cut *cut) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(d->db, oldest_sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int(stmt, 1, DELETE_ROWS);
  int64_t days = atomic_load(&live.days), limit = atomic_load(&live.limit_bytes);
  int64_t oldest_ns = days > 0 ? clock_wall_ns() - days * DAY_NS : INT64_MIN;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    bool is_too_old = sqlite3_column_int64(stmt, 2) < oldest_ns;
    bool is_too_much = limit > 0 && live.bytes - cut->bytes > limit;
    if ((!is_too_old && !is_too_much) || sqlite3_column_int64(stmt, 0) >= live.newest)
      break;
    cut->up_to = sqlite3_column_int64(stmt, 0);
    cut->bytes += sqlite3_column_int64(stmt, 1) + ROW_OVERHEAD_BYTES;
    cut->rows++;
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Runs a statement with one or two integers. */
static int run_integers(struct database *d, const char *sql, int64_t first, int64_t second) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, first);
  if (sqlite3_bind_parameter_count(stmt) > 1)
    sqlite3_bind_int64(stmt, 2, second);
  rc = sqlite3_step(stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int delete_cut(struct batch_writer *w, const struct cut *cut) {
  int rc = batch_begin(w);
  if (rc != SQLITE_OK)
    return rc;
  rc = run_integers(&w->db, delete_sql, cut->up_to, 0);
  if (rc == SQLITE_OK)
    rc = run_integers(&w->db, save_sql, live.bytes - cut->bytes, live.newest);
  rc = batch_end(w, rc);
  if (rc == SQLITE_OK) {
    live.bytes -= cut->bytes;
    live.saved = live.newest;
  }
  return rc;
}

static int save(struct batch_writer *w) {
  int rc = run_integers(&w->db, save_sql, live.bytes, live.newest);
  if (rc == SQLITE_OK)
    live.saved = live.newest;
  return rc;
}

bool retention_run_some(struct batch_writer *w, int *ret_rc) {
  if (live.counted < live.at_open) {
    *ret_rc = count_some(&w->db);
    return *ret_rc == SQLITE_OK;
  }
  struct cut cut = {0};
  *ret_rc = find_cut(&w->db, &cut);
  if (*ret_rc == SQLITE_OK && cut.rows > 0) {
    *ret_rc = delete_cut(w, &cut);
    return *ret_rc == SQLITE_OK;
  }
  if (*ret_rc == SQLITE_OK && live.newest - live.saved > SAVE_EVERY)
    *ret_rc = save(w);
  return false;
}

void retention_save(struct batch_writer *w) {
  if (live.counted < live.at_open)
    return;
  save(w);
}
