/* The rows of approvals; see approval_rows.h. */
#include "policy/approval_rows.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/tables.h"
#include "policy/audit.h"
#include "policy/facts_show.h"
#include "store/part.h"
#include "json/json.h"

#include <stdlib.h>
#include <time.h>

#define TOPIC "bp.approval"
#define DAY_NS (INT64_C(86400) * 1000000000)

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE bp_approval_requests (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_ns INTEGER NOT NULL, "
            "state TEXT NOT NULL, set_name TEXT NOT NULL, module TEXT NOT NULL, operation TEXT NOT NULL, principal TEXT NOT NULL, "
            "rule TEXT NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL, decided_ns INTEGER, decided_by TEXT, note TEXT);"
            "CREATE INDEX bp_approval_requests_open ON bp_approval_requests (state) WHERE state IN ('pending', 'approved');")},
};

enum { INSERT, DECIDE, END, END_ALL, GET, LIST, TRIM };
#define COLUMNS                                                                                                                                      \
  "number, id, created_ns, state, set_name, module, operation, principal, rule, reason, facts, decided_ns, decided_by, note FROM "                   \
  "bp_approval_requests"
#define SQL(name, text)                                                                                                                              \
  { sizeof(bp_statement), 0, BP_STR(name), BP_STR(text) }
static const bp_statement statements[] = {
    [INSERT] = SQL("insert", "INSERT INTO bp_approval_requests (id, created_ns, state, set_name, module, operation, principal, rule, reason, facts) "
                             "VALUES (?1, ?2, 'pending', ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
    [DECIDE] = SQL("decide", "UPDATE bp_approval_requests SET state = ?2, decided_ns = ?3, decided_by = ?4, note = ?5 "
                             "WHERE id = ?1 AND state = 'pending'"),
    [END] = SQL("end", "UPDATE bp_approval_requests SET state = ?2 WHERE id = ?1 AND state IN ('pending', 'approved')"),
    [END_ALL] = SQL("end_all", "UPDATE bp_approval_requests SET decided_ns = CASE state WHEN 'pending' THEN ?1 ELSE decided_ns END, "
                               "note = CASE state WHEN 'pending' THEN 'the host was restarted' ELSE note END, "
                               "state = CASE state WHEN 'pending' THEN 'denied' ELSE 'expired' END WHERE state IN ('pending', 'approved')"),
    [GET] = SQL("get", "SELECT " COLUMNS " WHERE id = ?1"),
    [LIST] = SQL("list", "SELECT " COLUMNS " WHERE number > ?1 AND (?2 = '' OR state = ?2) ORDER BY number"),
    [TRIM] = SQL("trim", "DELETE FROM bp_approval_requests WHERE created_ns < ?1 AND state NOT IN ('pending', 'approved') AND number IN "
                         "(SELECT number FROM bp_approval_requests ORDER BY number LIMIT 500)"),
};
static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_DURABLE, BP_STR(TOPIC),
     BP_STR("an approval is pending, was decided, used, or expired: id, state, and what is asked")},
};

static struct store_part *part;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Writing ---- */

struct writing {
  approval_decided_fn done;
  void *ctx;
};

static void written(void *ctx, const bp_db_outcome *outcome) {
  struct writing *writing = ctx;
  writing->done(writing->ctx, outcome->status, outcome->error);
  free(writing);
}

/* The event goes out only where the statement has changed a row. */
static bp_status write_with_event(bp_db_step exec, const char *id, json_t *event, approval_decided_fn done, void *ctx, bp_error *err) {
  struct buf payload = {0};
  struct writing *writing = mem_alloc(sizeof(*writing));
  *writing = (struct writing){done, ctx};
  if (event)
    doc_write(&payload, event);
  json_decref(event);
  const bp_db_step steps[] = {exec,
                              {.size = sizeof(bp_db_step),
                               .kind = BP_DB_PUBLISH,
                               .flags = BP_DB_IF_CHANGED,
                               .topic = BP_LIT(TOPIC),
                               .key = str_from(id),
                               .payload = buf_str(&payload)}};
  bp_status status = fail(err, BP_E_NO_MEMORY, "no memory for an event");
  if (!payload.failed && payload.len)
    status = store_part_write(part, steps, 2, written, writing, err);
  buf_release(&payload);
  if (status != BP_OK)
    free(writing);
  return status;
}

static json_t *text_of(bp_str text) {
  return json_stringn(text.ptr ? text.ptr : "", text.len);
}

bp_status approval_row_add(const char *id, const struct approval_question *q, approval_decided_fn done, void *ctx, bp_error *err) {
  struct buf facts = {0};
  facts_show(q->facts, &facts);
  const bp_db_value params[] = {part_text(str_from(id)),      part_integer(now_ns()),         part_text(q->set),
                                part_text(q->module),         part_text(q->operation),        part_text(q->principal),
                                part_text(str_from(q->rule)), part_text(str_from(q->reason)), part_text(buf_str(&facts))};
  json_t *event =
      json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "id", id, "state", "pending", "set", text_of(q->set), "module", text_of(q->module),
                "operation", text_of(q->operation), "principal", text_of(q->principal), "rule", q->rule, "reason", q->reason);
  bp_status status = write_with_event((bp_db_step){PART_EXEC(INSERT, params)}, id, event, done, ctx, err);
  buf_release(&facts);
  return status;
}

bp_status approval_row_decide(const char *id, bool approves, bp_str decider, bp_str note, approval_decided_fn done, void *ctx, bp_error *err) {
  const char *state = approves ? "approved" : "denied";
  const bp_db_value params[] = {part_text(str_from(id)), part_text(str_from(state)), part_integer(now_ns()), part_text(decider), part_text(note)};
  const bp_db_step exec = {PART_EXEC(DECIDE, params), .expect = BP_DB_ONE};
  json_t *event = json_pack("{s:s, s:s, s:o, s:o}", "id", id, "state", state, "decided_by", text_of(decider), "note", text_of(note));
  bp_status status = write_with_event(exec, id, event, done, ctx, err);
  if (status == BP_OK) {
    char *reason = str_dupz(note);
    audit_add(
        &(struct audit_entry){.principal = decider, .verdict = approves ? "approve" : "refuse", .rule = "", .reason = reason, .approval_id = id});
    free(reason);
  }
  return status;
}

static void ended(void *ctx, bp_status status, const bp_error *err) {
  (void)ctx;
  if (status != BP_OK && status != BP_E_CANCELLED)
    log_warn("policy", "the row of an approval is behind: %s", err->message);
}

void approval_row_end(const char *id, const char *state) {
  bp_error err = BP_ERROR_INIT;
  const bp_db_value params[] = {part_text(str_from(id)), part_text(str_from(state))};
  json_t *event = json_pack("{s:s, s:s}", "id", id, "state", state);
  bp_status status = write_with_event((bp_db_step){PART_EXEC(END, params)}, id, event, ended, NULL, &err);
  if (status != BP_OK)
    ended(NULL, status, &err);
}

static void run_over(void *ctx, const bp_db_outcome *outcome) {
  ended(ctx, outcome->status, outcome->error);
}

static void run_with_time(uint32_t statement, int64_t time_ns) {
  bp_error err = BP_ERROR_INIT;
  const bp_db_value params[] = {part_integer(time_ns)};
  const bp_db_step step = {PART_EXEC(statement, params)};
  bp_status status = store_part_write(part, &step, 1, run_over, NULL, &err);
  if (status != BP_OK)
    ended(NULL, status, &err);
}

void approval_rows_trim(int64_t days) {
  run_with_time(TRIM, now_ns() - days * DAY_NS);
}

/* What the last run has left: pending ones are denied, approved ones expired. */
bp_status approval_rows_open(bp_error *err) {
  static const struct store_part_plan plan = {
      .id = "bp.approval", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements), .topics = BP_ARRAY(topics)};
  bp_status status = store_part_add(&plan, &part, err);
  if (status == BP_OK)
    run_with_time(END_ALL, now_ns());
  return status;
}

void approval_rows_close(void) {
  store_part_remove(part);
  part = NULL;
}

/* ---- Reading ---- */

struct reading {
  approval_read_fn done;
  void *ctx;
  bool is_list;
};

static json_t *facts_of(bp_str text) {
  json_t *facts = doc_parse(text, &doc_default_limits, NULL);
  return facts ? facts : text_of(text);
}

static json_t *approval_json(const bp_db_outcome *o, uint32_t row) {
  static const char *const names[] = {"state", "set", "module", "operation", "principal", "rule", "reason"};
  json_t *approval = json_object();
  json_object_set_new(approval, "number", json_integer(part_integer_at(o, 0, row, 0)));
  json_object_set_new(approval, "id", text_of(part_text_at(o, 0, row, 1)));
  json_object_set_new(approval, "created_ns", json_integer(part_integer_at(o, 0, row, 2)));
  for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    json_object_set_new(approval, names[i], text_of(part_text_at(o, 0, row, i + 3)));
  json_object_set_new(approval, "facts", facts_of(part_text_at(o, 0, row, 10)));
  int64_t decided_ns = part_integer_at(o, 0, row, 11);
  json_object_set_new(approval, "decided_ns", decided_ns ? json_integer(decided_ns) : json_null());
  bp_str decider = part_text_at(o, 0, row, 12);
  json_object_set_new(approval, "decided_by", decider.len ? text_of(decider) : json_null());
  json_object_set_new(approval, "note", text_of(part_text_at(o, 0, row, 13)));
  return approval;
}

static json_t *page_json(const bp_db_outcome *o) {
  json_t *list = json_array();
  uint32_t rows = db_table.rows(o->result, 0);
  for (uint32_t row = 0; row < rows; row++)
    json_array_append_new(list, approval_json(o, row));
  bool has_more = rows > 0 && db_table.more(o->result, 0);
  return json_pack("{s:o, s:o}", "approvals", list, "next", has_more ? json_integer(part_integer_at(o, 0, rows - 1, 0)) : json_null());
}

static void read_over(void *ctx, const bp_db_outcome *outcome) {
  struct reading *reading = ctx;
  bp_error err = *outcome->error;
  bp_status status = outcome->status;
  json_t *answer = NULL;
  if (status == BP_OK && !reading->is_list && db_table.rows(outcome->result, 0) == 0)
    status = fail(&err, BP_E_NOT_FOUND, "there is no approval of this id");
  else if (status == BP_OK)
    answer = reading->is_list ? page_json(outcome) : approval_json(outcome, 0);
  reading->done(reading->ctx, answer, status, &err);
  json_decref(answer);
  free(reading);
}

static bp_status start(bp_db_query query, uint32_t limit, struct reading wanted, bp_error *err) {
  struct reading *reading = mem_alloc(sizeof(*reading));
  *reading = wanted;
  query.max_rows = limit;
  bp_status status = store_part_read(part, &query, 1, read_over, reading, err);
  if (status != BP_OK)
    free(reading);
  return status;
}

bp_status approvals_list(int64_t after, bp_str state, uint32_t limit, approval_read_fn done, void *ctx, bp_error *err) {
  const bp_db_value params[] = {part_integer(after), part_text(state)};
  return start((bp_db_query){PART_QUERY(LIST, params)}, limit, (struct reading){done, ctx, true}, err);
}

bp_status approvals_get(bp_str id, approval_read_fn done, void *ctx, bp_error *err) {
  const bp_db_value params[] = {part_text(id)};
  return start((bp_db_query){PART_QUERY(GET, params)}, 1, (struct reading){done, ctx, false}, err);
}
