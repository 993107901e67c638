/* The table of jobs; see rows.h. */
#include "job/rows.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "job/job.h"
#include "loader/tables.h"
#include "json/json.h"

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE bp_job_jobs (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, module TEXT NOT NULL, kind TEXT NOT NULL, "
            "title TEXT NOT NULL, principal TEXT NOT NULL, status TEXT NOT NULL, can_cancel INTEGER NOT NULL, done_units INTEGER NOT NULL, "
            "total_units INTEGER NOT NULL, text TEXT NOT NULL, result TEXT NOT NULL, opened_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL);"
            "CREATE INDEX bp_job_finished ON bp_job_jobs (finished_ms);"
            "CREATE INDEX bp_job_by_status ON bp_job_jobs (status, number);")},
};

enum { UPSERT, LIST, GET, FORGET };
#define COLUMNS "id, module, kind, title, principal, status, can_cancel, done_units, total_units, text, result, opened_ms, finished_ms"
#define SQL(name, text)                                                                                                                              \
  { sizeof(bp_statement), 0, BP_STR(name), BP_STR(text) }
static const bp_statement statements[] = {
    [UPSERT] =
        SQL("upsert", "INSERT INTO bp_job_jobs (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
                      "ON CONFLICT (id) DO UPDATE SET status = excluded.status, done_units = excluded.done_units, "
                      "total_units = excluded.total_units, text = excluded.text, result = excluded.result, finished_ms = excluded.finished_ms"),
    [LIST] = SQL("list", "SELECT number, " COLUMNS " FROM bp_job_jobs WHERE (?1 = 0 OR number < ?1) AND (?2 = '' OR module = ?2) "
                         "AND (?3 = '' OR kind = ?3) AND (?4 = '' OR status = ?4) ORDER BY number DESC LIMIT ?5"),
    [GET] = SQL("get", "SELECT number, " COLUMNS " FROM bp_job_jobs WHERE id = ?1"),
    [FORGET] = SQL("forget", "DELETE FROM bp_job_jobs WHERE number IN (SELECT number FROM bp_job_jobs WHERE finished_ms > 0 AND finished_ms < ?1 "
                             "LIMIT ?2)"),
};

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR(JOB_TOPIC), BP_STR("the job, when it is opened and when it ends")},
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR(JOB_PROGRESS_TOPIC), BP_STR("{id, progress {done, total, text}}")},
};

static struct store_part *part;

bp_status job_rows_open(bp_error *err) {
  static const struct store_part_plan plan = {
      .id = "bp.job", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements), .topics = BP_ARRAY(topics)};
  return store_part_add(&plan, &part, err);
}

void job_rows_release(void) {
  store_part_remove(part);
  part = NULL;
}

static bool write_text(struct buf *out, json_t *value) {
  if (value)
    doc_write(out, value);
  json_decref(value);
  return value && !out->failed;
}

bp_status job_row_write(const struct job_view *view, bp_db_done_fn done, void *ctx, bp_error *err) {
  struct buf payload = {0};
  bool has_payload = write_text(&payload, job_view_json(view));
  const bp_db_value values[] = {
      part_text(view->id),
      part_text(view->module),
      part_text(view->kind),
      part_text(view->title),
      part_text(view->principal),
      part_text(view->status),
      part_integer(view->can_cancel),
      part_integer(view->done_units),
      part_integer(view->total_units),
      part_text(view->text),
      part_text(view->result),
      part_integer(view->opened_ms),
      part_integer(view->finished_ms),
  };
  const bp_db_step steps[] = {
      {PART_EXEC(UPSERT, values)},
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR(JOB_TOPIC), .key = view->id, .payload = buf_str(&payload)},
  };
  bp_status status = has_payload ? store_part_write(part, steps, 2, done, ctx, err) : fail(err, BP_E_NO_MEMORY, "no memory for the job");
  buf_release(&payload);
  return status;
}

bool job_row_publish_progress(const struct job_view *view) {
  struct buf payload = {0};
  bool is_sent = write_text(&payload, job_view_progress_json(view)) &&
                 live_table.publish(store_part_handle(part), BP_LIT(JOB_PROGRESS_TOPIC), view->id, buf_str(&payload)) == BP_OK;
  buf_release(&payload);
  return is_sent;
}

bp_status job_rows_list(const struct job_filter *filter, bp_db_done_fn done, void *ctx, bp_error *err) {
  const bp_db_value values[] = {part_integer(filter->before), part_text(filter->module), part_text(filter->kind), part_text(filter->status),
                                part_integer(filter->limit)};
  const bp_db_query query = {PART_QUERY(LIST, values), .max_rows = filter->limit};
  return store_part_read(part, &query, 1, done, ctx, err);
}

bp_status job_row_get(bp_str id, bp_db_done_fn done, void *ctx, bp_error *err) {
  const bp_db_value values[] = {part_text(id)};
  const bp_db_query query = {PART_QUERY(GET, values), .max_rows = 1};
  return store_part_read(part, &query, 1, done, ctx, err);
}

int64_t job_row_number(const bp_db_outcome *outcome, uint32_t row) {
  return part_integer_at(outcome, 0, row, 0);
}

struct job_view job_row_view(const bp_db_outcome *outcome, uint32_t row) {
  return (struct job_view){
      .id = part_text_at(outcome, 0, row, 1),
      .module = part_text_at(outcome, 0, row, 2),
      .kind = part_text_at(outcome, 0, row, 3),
      .title = part_text_at(outcome, 0, row, 4),
      .principal = part_text_at(outcome, 0, row, 5),
      .status = part_text_at(outcome, 0, row, 6),
      .can_cancel = part_integer_at(outcome, 0, row, 7) != 0,
      .done_units = part_integer_at(outcome, 0, row, 8),
      .total_units = part_integer_at(outcome, 0, row, 9),
      .text = part_text_at(outcome, 0, row, 10),
      .result = part_text_at(outcome, 0, row, 11),
      .opened_ms = part_integer_at(outcome, 0, row, 12),
      .finished_ms = part_integer_at(outcome, 0, row, 13),
  };
}

bp_status job_rows_forget(int64_t before_ms, bp_db_done_fn done, void *ctx, bp_error *err) {
  const bp_db_value values[] = {part_integer(before_ms), part_integer(JOB_ROWS_AT_ONCE)};
  const bp_db_step step = {PART_EXEC(FORGET, values)};
  return store_part_write(part, &step, 1, done, ctx, err);
}
