/* Running units of writes; see unit.h. Copying them from a plugin's arrays is unit_copy.c. */
#include "store/unit.h"
#include "base/fail.h"
#include "store/params.h"

#include <stdlib.h>

static const bp_error empty_error = BP_ERROR_INIT;

void unit_fail(struct unit *u, bp_status status, const bp_error *err) {
  u->status = status;
  if (!u->error)
    u->error = malloc(sizeof(*u->error));
  if (!u->error)
    return;
  *u->error = err ? *err : empty_error;
  u->error->code = status;
  if (!err)
    fail(u->error, status, "the write failed: %s", status_name(status));
}

void unit_reset(struct unit *u) {
  result_clear(&u->result);
  u->sequence = 0;
  for (uint32_t i = 0; i < u->step_count; i++)
    u->steps[i].was_run = false;
}

bool unit_is_cancelled(const struct unit *u) {
  return atomic_load_explicit(&u->program->cancel_epoch, memory_order_acquire) != u->cancel_epoch;
}

void unit_free(struct unit *u) {
  result_release(&u->result);
  program_unref(u->program);
  free(u->error);
  free(u);
}

static bool is_due(const struct unit *u, const struct unit_step *step) {
  if (!(step->flags & BP_DB_IF_CHANGED))
    return true;
  const struct result_step *when = &u->result.steps[step->when_step];
  return when->rows > 0 || when->changes > 0;
}

static bool is_expected(uint32_t expect, int64_t count) {
  switch (expect) {
  case BP_DB_ONE:
    return count == 1;
  case BP_DB_SOME:
    return count >= 1;
  case BP_DB_NONE:
    return count == 0;
  default:
    return true;
  }
}

static bp_status collect_rows(struct unit *u, struct result_step *out, sqlite3_stmt *stmt, int *ret_rc) {
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    bp_status status = out->rows < RESULT_LIMIT_ROWS ? result_add_row(&u->result, out, stmt) : BP_E_LIMIT;
    if (status != BP_OK) {
      *ret_rc = SQLITE_ABORT;
      return status;
    }
  }
  *ret_rc = rc;
  return rc == SQLITE_DONE ? BP_OK : sql_status(rc);
}

/* What happened to the unit's statement, as an error of the unit. */
static void describe(struct unit *u, struct database *d, uint32_t index, bp_status status, int rc) {
  const char *name = u->program->statements[u->steps[index].statement].name;
  bp_error err = BP_ERROR_INIT;
  if (rc == SQLITE_ABORT && status == BP_E_LIMIT)
    fail(&err, status, "statement \"%s\" returned too much: the limit is %u rows and %u bytes", name, RESULT_LIMIT_ROWS, RESULT_LIMIT_BYTES);
  else if (rc == SQLITE_ABORT)
    fail(&err, status, "statement \"%s\" failed: %s", name, status_name(status));
  else if (rc == SQLITE_INTERRUPT)
    fail(&err, status, "statement \"%s\" took too long", name);
  else
    sql_fail(d->db, rc, "statement", name, &err);
  u->failed_step = index;
  unit_fail(u, status, &err);
}

static void describe_expectation(struct unit *u, uint32_t index, int64_t count) {
  static const char *const wanted[] = {"any", "one", "at least one", "no"};
  const struct unit_step *step = &u->steps[index];
  bp_error err = BP_ERROR_INIT;
  fail(&err, BP_E_CONFLICT, "statement \"%s\" met %lld rows where %s row was expected", u->program->statements[step->statement].name,
       (long long)count, wanted[step->expect]);
  u->failed_step = index;
  unit_fail(u, BP_E_CONFLICT, &err);
}

/* Runs one EXEC step. False: the unit failed; *ret_rc is SQLite's code, SQLITE_ABORT for our own reasons. */
static bool run_exec(struct unit *u, struct database *d, uint32_t index, int *ret_rc) {
  const struct unit_step *step = &u->steps[index];
  struct result_step *out = &u->result.steps[index];
  const struct statement *declared = &u->program->statements[step->statement];
  bp_error err = BP_ERROR_INIT;
  sqlite3_stmt *stmt = program_statement(u->program, d, step->statement, &err);
  *ret_rc = SQLITE_ABORT;
  if (!stmt) {
    u->failed_step = index;
    unit_fail(u, err.code, &err);
    return false;
  }
  out->columns = declared->columns;
  sqlite3_set_last_insert_rowid(d->db, 0);
  int rc = params_bind(stmt, u->params + step->first_param, step->param_count, &u->result);
  bp_status status = rc == SQLITE_OK ? collect_rows(u, out, stmt, &rc) : sql_status(rc);
  if (status != BP_OK)
    describe(u, d, index, status, rc);
  sqlite3_reset(stmt);
  *ret_rc = rc;
  if (status != BP_OK)
    return false;
  out->changes = declared->is_read_only ? 0 : sqlite3_changes64(d->db);
  out->rowid = sqlite3_last_insert_rowid(d->db);
  int64_t count = declared->columns ? out->rows : out->changes;
  if (is_expected(step->expect, count))
    return true;
  describe_expectation(u, index, count);
  *ret_rc = SQLITE_ABORT;
  return false;
}

static bool payloads_fit(struct unit *u, uint32_t index) {
  const struct unit_step *step = &u->steps[index];
  if (step->payload.len > 0)
    return true;
  for (uint32_t row = 0; row < u->result.steps[step->payload_step].rows; row++) {
    const struct cell *cell = result_cell(&u->result, step->payload_step, row, step->payload_column);
    if (!cell || cell->type != BP_DB_TEXT || cell->len > UNIT_LIMIT_PAYLOAD_BYTES) {
      bp_error err = BP_ERROR_INIT;
      bp_status status = cell && cell->type == BP_DB_TEXT ? BP_E_LIMIT : BP_E_INVALID;
      fail(&err, status, "publishing column %u of step %u failed: it is no text of at most %u bytes", step->payload_column, step->payload_step,
           UNIT_LIMIT_PAYLOAD_BYTES);
      u->failed_step = index;
      unit_fail(u, status, &err);
      return false;
    }
  }
  return true;
}

static bool run_step(struct unit *u, struct database *d, uint32_t index, int *ret_rc) {
  struct unit_step *step = &u->steps[index];
  if (!is_due(u, step))
    return true;
  step->was_run = true;
  if (step->kind == BP_DB_EXEC)
    return run_exec(u, d, index, ret_rc);
  *ret_rc = SQLITE_ABORT;
  return payloads_fit(u, index);
}

enum unit_end unit_run(struct unit *u, struct database *d) {
  int64_t changes_before = sqlite3_total_changes64(d->db);
  int rc = SQLITE_OK;
  u->status = BP_OK;
  for (uint32_t i = 0; i < u->step_count; i++) {
    if (run_step(u, d, i, &rc))
      continue;
    if (sql_is_store_failure(rc))
      return UNIT_STORE;
    if (sqlite3_get_autocommit(d->db))
      return UNIT_LOST;
    return sqlite3_total_changes64(d->db) == changes_before ? UNIT_CLEAN : UNIT_DIRTY;
  }
  return UNIT_DONE;
}

static void fill_row(struct live_row *row, const struct unit_step *step, bp_str payload) {
  *row = (struct live_row){.topic = step->topic, .key = step->key, .payload = payload};
}

uint32_t unit_published(const struct unit *u, struct live_row *rows) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < u->step_count; i++) {
    const struct unit_step *step = &u->steps[i];
    if (step->kind != BP_DB_PUBLISH || !step->was_run)
      continue;
    if (step->payload.len > 0) {
      if (rows)
        fill_row(&rows[count], step, step->payload);
      count++;
      continue;
    }
    for (uint32_t row = 0; row < u->result.steps[step->payload_step].rows; row++, count++) {
      if (rows)
        fill_row(&rows[count], step, result_text(&u->result, result_cell(&u->result, step->payload_step, row, step->payload_column)));
    }
  }
  return count;
}
