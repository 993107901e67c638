/* Group commit; see batch.h. */
#include "store/batch.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "live/live.h"
#include "store/counters.h"
#include "store/delivery.h"

#include <stdlib.h>

enum mode { MODE_FAST, MODE_CAREFUL, MODE_ALONE };
enum attempt { ATTEMPT_OVER, ATTEMPT_CAREFUL, ATTEMPT_ALONE, ATTEMPT_STORE };

static const char insert_event_sql[] = "INSERT INTO live_log (seq, time_ns, topic, key, payload) VALUES (?1, ?2, ?3, ?4, ?5)";

/* Called by SQLite every few thousand steps: a unit may not hold the writer for long. */
static int is_overdue(void *ctx) {
  const struct batch_writer *w = ctx;
  return w->unit_deadline_ns && clock_monotonic_ns() > w->unit_deadline_ns;
}

bp_status batch_writer_open(struct batch_writer *w, const char *path, bp_error *err) {
  bp_status status = database_open(&w->db, path, DATABASE_WRITER, err);
  if (status != BP_OK)
    return status;
  w->begin = database_prepare(&w->db, "BEGIN IMMEDIATE");
  w->commit = database_prepare(&w->db, "COMMIT");
  w->rollback = database_prepare(&w->db, "ROLLBACK");
  w->save = database_prepare(&w->db, "SAVEPOINT unit");
  w->release = database_prepare(&w->db, "RELEASE unit");
  w->undo = database_prepare(&w->db, "ROLLBACK TO unit");
  w->insert_event = database_prepare(&w->db, insert_event_sql);
  sqlite3_progress_handler(w->db.db, 10000, is_overdue, w);
  if (w->begin && w->commit && w->rollback && w->save && w->release && w->undo && w->insert_event)
    return BP_OK;
  batch_writer_close(w);
  return fail(err, BP_E_IO, "opening the store \"%s\" failed: its own statements do not compile", path);
}

void batch_writer_close(struct batch_writer *w) {
  sqlite3_stmt **statements[] = {&w->begin, &w->commit, &w->rollback, &w->save, &w->release, &w->undo, &w->insert_event};
  for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
    sqlite3_finalize(*statements[i]);
    *statements[i] = NULL;
  }
  database_close(&w->db);
}

struct batch *batch_new(void) {
  struct batch *b = mem_alloc(sizeof(*b));
  b->last_unit = &b->first_unit;
  return b;
}

void batch_add(struct batch *b, struct unit *u) {
  u->next = NULL;
  *b->last_unit = u;
  b->last_unit = &u->next;
  b->unit_count++;
  b->bytes += u->bytes;
}

static int run(struct batch_writer *w, sqlite3_stmt *stmt) {
  w->unit_deadline_ns = 0;
  int rc = sqlite3_step(stmt);
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int batch_begin(struct batch_writer *w) {
  int rc = run(w, w->begin);
  w->in_transaction = rc == SQLITE_OK;
  return rc;
}

static void roll_back(struct batch_writer *w) {
  if (w->in_transaction && !sqlite3_get_autocommit(w->db.db))
    run(w, w->rollback);
  w->in_transaction = false;
}

int batch_end(struct batch_writer *w, int rc) {
  if (rc == SQLITE_OK)
    rc = run(w, w->commit);
  if (rc == SQLITE_OK)
    w->in_transaction = false;
  else
    roll_back(w);
  return rc;
}

static void fail_rest(struct batch *b, bp_status status, const bp_error *err) {
  for (struct unit *u = b->first_unit; u; u = u->next) {
    if (u->status == BP_OK)
      unit_fail(u, status, err);
  }
}

/* `rc` from the connection's last call failed the whole batch. */
static void fail_batch(struct batch_writer *w, struct batch *b, int rc, const char *what) {
  bp_error err = BP_ERROR_INIT;
  bp_status status = sql_fail(w->db.db, rc, "group commit", what, &err);
  if (status == BP_E_FULL) {
    fail(&err, status, "the store cannot write: %s", sqlite3_errstr(rc));
    fail_hint(&err, "free space on the disk of the state folder; the store goes on by itself");
  }
  fail_rest(b, status, &err);
}

static enum unit_end run_unit(struct batch_writer *w, struct unit *u, enum mode mode) {
  if (unit_is_cancelled(u)) {
    unit_fail(u, BP_E_CANCELLED, NULL);
    return UNIT_CLEAN;
  }
  if (mode == MODE_CAREFUL && run(w, w->save) != SQLITE_OK)
    return UNIT_STORE;
  w->unit_deadline_ns = clock_monotonic_ns() + BATCH_LIMIT_UNIT_NS;
  enum unit_end end = unit_run(u, &w->db);
  w->unit_deadline_ns = 0;
  if (mode != MODE_CAREFUL || end == UNIT_LOST || end == UNIT_STORE)
    return end;
  if (end == UNIT_DIRTY && run(w, w->undo) != SQLITE_OK)
    return UNIT_LOST;
  if (run(w, w->release) != SQLITE_OK)
    return UNIT_LOST;
  return end == UNIT_DONE ? UNIT_DONE : UNIT_CLEAN;
}

static bool has_room(const struct batch *b, int64_t started_ns) {
  return b->unit_count < BATCH_LIMIT_UNITS && b->bytes < BATCH_LIMIT_BYTES && clock_monotonic_ns() - started_ns < BATCH_LIMIT_AGE_NS;
}

/* The unit after `u`, taking along what was queued meanwhile. */
static struct unit *unit_after(struct batch_writer *w, struct batch *b, struct unit *u, enum mode mode, int64_t started_ns) {
  if (!u->next && mode != MODE_ALONE && has_room(b, started_ns)) {
    struct unit *more = w->more();
    if (more)
      batch_add(b, more);
  }
  return u->next;
}

static enum attempt run_units(struct batch_writer *w, struct batch *b, enum mode mode) {
  int64_t started_ns = clock_monotonic_ns();
  for (struct unit *u = b->first_unit; u; u = unit_after(w, b, u, mode, started_ns)) {
    if (u->status != BP_OK)
      continue;
    switch (run_unit(w, u, mode)) {
    case UNIT_DONE:
    case UNIT_CLEAN:
      break;
    case UNIT_DIRTY:
      return mode == MODE_ALONE ? ATTEMPT_OVER : ATTEMPT_CAREFUL;
    case UNIT_LOST:
      return mode == MODE_ALONE ? ATTEMPT_OVER : ATTEMPT_ALONE;
    case UNIT_STORE:
      return ATTEMPT_STORE;
    }
  }
  return ATTEMPT_OVER;
}

static uint32_t collect_rows(struct batch *b) {
  uint32_t count = 0;
  for (struct unit *u = b->first_unit; u; u = u->next)
    count += u->status == BP_OK ? unit_published(u, NULL) : 0;
  if (count == 0)
    return 0;
  b->rows = mem_array(count, sizeof(*b->rows));
  count = 0;
  for (struct unit *u = b->first_unit; u; u = u->next) {
    uint32_t own = u->status == BP_OK ? unit_published(u, b->rows + count) : 0;
    count += own;
    u->sequence = own ? count : 0; /* counted from 1 until the numbers are taken */
  }
  return count;
}

static void number_rows(struct batch *b, uint32_t count) {
  int64_t now_ns = clock_wall_ns();
  b->first = live_sequence_take(count);
  b->row_count = count;
  for (uint32_t i = 0; i < count; i++) {
    b->rows[i].sequence = b->first + i;
    b->rows[i].time_ns = now_ns;
  }
  for (struct unit *u = b->first_unit; u; u = u->next) {
    if (u->sequence)
      u->sequence += b->first - 1;
  }
}

static int bind_text(sqlite3_stmt *stmt, int position, bp_str text) {
  return sqlite3_bind_text(stmt, position, text.len ? text.ptr : "", (int)text.len, SQLITE_STATIC);
}

static int insert_rows(struct batch_writer *w, const struct batch *b) {
  int rc = SQLITE_OK;
  for (uint32_t i = 0; i < b->row_count && rc == SQLITE_OK; i++) {
    const struct live_row *row = &b->rows[i];
    sqlite3_bind_int64(w->insert_event, 1, (int64_t)row->sequence);
    sqlite3_bind_int64(w->insert_event, 2, row->time_ns);
    bind_text(w->insert_event, 3, row->topic);
    bind_text(w->insert_event, 4, row->key);
    bind_text(w->insert_event, 5, row->payload);
    rc = run(w, w->insert_event);
  }
  return rc;
}

static void give_up_rows(struct batch *b) {
  if (b->row_count)
    delivery_give_up(b->first, b->row_count);
  free(b->rows);
  b->rows = NULL;
  b->row_count = 0;
  for (struct unit *u = b->first_unit; u; u = u->next)
    u->sequence = 0;
}

static int publish_and_commit(struct batch_writer *w, struct batch *b) {
  int rc = SQLITE_OK;
  uint32_t count = collect_rows(b);
  if (count) {
    number_rows(b, count);
    rc = insert_rows(w, b);
  }
  int64_t started_ns = clock_monotonic_ns();
  if (rc == SQLITE_OK)
    rc = run(w, w->commit);
  counters_add_commit(clock_monotonic_ns() - started_ns);
  if (rc == SQLITE_OK)
    w->in_transaction = false;
  return rc;
}

/* One transaction over the units that have not failed yet. */
static enum attempt attempt(struct batch_writer *w, struct batch *b, enum mode mode, int *ret_rc) {
  *ret_rc = batch_begin(w);
  if (*ret_rc != SQLITE_OK) {
    fail_batch(w, b, *ret_rc, "begin");
    return sql_is_store_failure(*ret_rc) ? ATTEMPT_STORE : ATTEMPT_OVER;
  }
  enum attempt end = run_units(w, b, mode);
  bool is_ruined = mode == MODE_ALONE && b->first_unit->status != BP_OK;
  if (end != ATTEMPT_OVER || is_ruined) {
    *ret_rc = end == ATTEMPT_STORE ? SQLITE_FULL : SQLITE_OK;
    roll_back(w);
    if (end == ATTEMPT_STORE)
      fail_rest(b, BP_E_FULL, NULL);
    return end;
  }
  *ret_rc = publish_and_commit(w, b);
  if (*ret_rc == SQLITE_OK)
    return ATTEMPT_OVER;
  bool is_deferred = (*ret_rc & 0xff) == SQLITE_CONSTRAINT && mode != MODE_ALONE;
  if (!is_deferred)
    fail_batch(w, b, *ret_rc, "commit");
  give_up_rows(b);
  roll_back(w);
  if (is_deferred)
    return ATTEMPT_ALONE;
  return sql_is_store_failure(*ret_rc) ? ATTEMPT_STORE : ATTEMPT_OVER;
}

static void reset_units(struct batch *b) {
  for (struct unit *u = b->first_unit; u; u = u->next) {
    if (u->status == BP_OK)
      unit_reset(u);
  }
}

static void post(struct batch_writer *w, struct batch *b, enum attempt end, int rc) {
  counters_add_batch(b);
  if (end == ATTEMPT_STORE)
    w->store_failed(rc);
  w->committed(b);
  b->completion.deliver = delivery_batch;
  completion_post(&b->completion);
}

static void run_alone(struct batch_writer *w, struct batch *b) {
  struct unit *u = b->first_unit;
  while (u) {
    struct unit *next = u->next;
    struct batch *own = batch_new();
    batch_add(own, u);
    int rc = SQLITE_OK;
    enum attempt end = ATTEMPT_OVER;
    if (u->status == BP_OK) {
      unit_reset(u);
      end = attempt(w, own, MODE_ALONE, &rc);
    }
    post(w, own, end, rc);
    u = next;
  }
  free(b);
}

void batch_run(struct batch_writer *w, struct batch *b) {
  int rc = SQLITE_OK;
  enum attempt end = attempt(w, b, MODE_FAST, &rc);
  if (end == ATTEMPT_CAREFUL) {
    reset_units(b);
    end = attempt(w, b, MODE_CAREFUL, &rc);
  }
  if (end == ATTEMPT_ALONE || end == ATTEMPT_CAREFUL)
    run_alone(w, b);
  else
    post(w, b, end, rc);
}
