/* Jobs of all times: lists for clients, what a dead host left open, and forgetting. */
#include "job/history.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "job/job.h"
#include "job/rows.h"
#include "loader/tables.h"

#include <stdlib.h>
#include <time.h>

/* ---- Reading ---- */

/* Of an open job memory knows more than its row. */
static json_t *fresh_json(const bp_db_outcome *outcome, uint32_t row) {
  const struct job_view stored = job_row_view(outcome, row);
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  struct job_view fresh;
  return job_view_json(job_open_view(stored.id, &fresh, text) ? &fresh : &stored);
}

struct reading {
  struct job_reading of_rows;
  job_list_fn listed;
  job_get_fn got;
  void *ctx;
  uint32_t limit;
};

static void reading_free(struct reading *reading) {
  job_reading_end(&reading->of_rows);
  free(reading);
}

static void on_list(void *ctx, const bp_db_outcome *outcome) {
  struct reading *reading = ctx;
  json_t *list = json_array();
  int64_t next = 0;
  uint32_t rows = outcome->status == BP_OK ? db_table.rows(outcome->result, 0) : 0;
  for (uint32_t row = 0; row < rows; row++)
    json_array_append_new(list, fresh_json(outcome, row));
  if (rows > 0 && rows == reading->limit)
    next = job_row_number(outcome, rows - 1);
  reading->listed(reading->ctx, outcome->status, list, next, outcome->error);
  json_decref(list);
  reading_free(reading);
}

static void on_got(void *ctx, const bp_db_outcome *outcome) {
  struct reading *reading = ctx;
  bp_error err = *outcome->error;
  bp_status status = outcome->status;
  json_t *job = NULL;
  if (status == BP_OK && db_table.rows(outcome->result, 0) == 0)
    status = fail(&err, BP_E_NOT_FOUND, "there is no job of this id");
  if (status == BP_OK)
    job = fresh_json(outcome, 0);
  reading->got(reading->ctx, status, job, &err);
  json_decref(job);
  reading_free(reading);
}

bp_status job_list(const struct job_filter *filter, job_list_fn done, void *ctx, bp_error *err) {
  struct reading *reading = mem_alloc(sizeof(*reading));
  *reading = (struct reading){.listed = done, .ctx = ctx, .limit = filter->limit};
  job_reading_begin(&reading->of_rows);
  bp_status status = job_rows_list(filter, on_list, reading, err);
  if (status != BP_OK)
    reading_free(reading);
  return status;
}

bp_status job_get(bp_str id, job_get_fn done, void *ctx, bp_error *err) {
  const bp_error none = BP_ERROR_INIT;
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  struct job_view fresh;
  if (job_open_view(id, &fresh, text)) {
    json_t *job = job_view_json(&fresh);
    done(ctx, BP_OK, job, &none);
    json_decref(job);
    return BP_OK;
  }
  struct reading *reading = mem_alloc(sizeof(*reading));
  *reading = (struct reading){.got = done, .ctx = ctx};
  job_reading_begin(&reading->of_rows);
  bp_status status = job_row_get(id, on_got, reading, err);
  if (status != BP_OK)
    reading_free(reading);
  return status;
}

/* ---- At start, and every hour ---- */

static struct job_reading reading_left_open;
static void lose_left_open(int64_t before);

static void on_lost_written(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status != BP_OK)
    log_error("bp.job", "cannot store that a job is lost: %s", outcome->error->message);
}

/* Rows that say "running" and are not open here: a host before this one died with them. */
static void on_left_open(void *ctx, const bp_db_outcome *outcome) {
  static const struct job_filter page = {.limit = JOB_ROWS_AT_ONCE};
  bp_error err = BP_ERROR_INIT;
  (void)ctx;
  uint32_t rows = outcome->status == BP_OK ? db_table.rows(outcome->result, 0) : 0;
  for (uint32_t row = 0; row < rows; row++) {
    struct job_view view = job_row_view(outcome, row);
    char text[JOB_LIMIT_TEXT_BYTES + 1];
    struct job_view fresh;
    if (job_open_view(view.id, &fresh, text))
      continue;
    view.status = BP_LIT("lost");
    view.result = BP_LIT("\"the host was stopped\"");
    view.finished_ms = (int64_t)time(NULL) * 1000;
    if (job_row_write(&view, on_lost_written, NULL, &err) != BP_OK)
      log_error("bp.job", "cannot store that a job is lost: %s", err.message);
  }
  job_reading_end(&reading_left_open);
  if (rows == page.limit)
    lose_left_open(job_row_number(outcome, rows - 1));
}

static void lose_left_open(int64_t before) {
  const struct job_filter filter = {.status = BP_STR("running"), .before = before, .limit = JOB_ROWS_AT_ONCE};
  bp_error err = BP_ERROR_INIT;
  job_reading_begin(&reading_left_open);
  if (job_rows_list(&filter, on_left_open, NULL, &err) == BP_OK)
    return;
  job_reading_end(&reading_left_open);
  log_error("bp.job", "cannot look for lost jobs: %s", err.message);
}

static void on_forgotten(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status == BP_OK && db_table.changes(outcome->result, 0) == JOB_ROWS_AT_ONCE)
    history_forget_old();
}

void history_forget_old(void) {
  bp_error err = BP_ERROR_INIT;
  if (job_rows_forget((int64_t)time(NULL) * 1000 - JOB_RETENTION_MS, on_forgotten, NULL, &err) != BP_OK)
    log_debug("bp.job", "old jobs are not forgotten now: %s", err.message);
}

void history_end_left_open(void) {
  lose_left_open(0);
}
