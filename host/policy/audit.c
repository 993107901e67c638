/* The audit; see audit.h. */
#include "policy/audit.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "policy/facts_show.h"
#include "store/part.h"
#include "json/json.h"

#include <stdlib.h>
#include <time.h>

#define TRIM_SECONDS 600
#define DAY_NS (INT64_C(86400) * 1000000000)

static const bp_migration migrations[] = {
    {sizeof(bp_migration), 1,
     BP_STR("CREATE TABLE bp_audit_entries (id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, principal TEXT NOT NULL, module TEXT NOT NULL, "
            "operation TEXT NOT NULL, set_name TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, "
            "facts TEXT NOT NULL, is_cut INTEGER NOT NULL, approval_id TEXT NOT NULL);"
            "CREATE TRIGGER bp_audit_entries_stay BEFORE UPDATE ON bp_audit_entries BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;")},
};

enum { INSERT, GET, LIST, TRIM_AGE, TRIM_COUNT };
#define COLUMNS "id, time_ns, principal, module, operation, set_name, verdict, rule, reason, facts, is_cut, approval_id FROM bp_audit_entries"
#define OLDEST "id IN (SELECT id FROM bp_audit_entries ORDER BY id LIMIT 500)"
#define SQL(name, text)                                                                                                                              \
  { sizeof(bp_statement), 0, BP_STR(name), BP_STR(text) }
static const bp_statement statements[] = {
    [INSERT] = SQL("insert", "INSERT INTO bp_audit_entries (id, time_ns, principal, module, operation, set_name, verdict, rule, reason, facts, "
                             "is_cut, approval_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
    [GET] = SQL("get", "SELECT " COLUMNS " WHERE id = ?1"),
    [LIST] = SQL("list", "SELECT " COLUMNS " WHERE id > ?1 AND (?2 = '' OR set_name = ?2) AND (?3 = '' OR verdict = ?3) "
                         "AND (?4 = '' OR principal = ?4) ORDER BY id"),
    [TRIM_AGE] = SQL("trim_age", "DELETE FROM bp_audit_entries WHERE " OLDEST " AND time_ns < ?1"),
    [TRIM_COUNT] = SQL("trim_count", "DELETE FROM bp_audit_entries WHERE " OLDEST " AND id <= (SELECT max(id) FROM bp_audit_entries) - ?1"),
};

static struct {
  struct store_part *part;
  int64_t last_id;
  int64_t days, rows;
  uint32_t queued;
  bool is_losing; /* said once until rows are taken again */
  struct audit_counters counters;
  struct event *timer;
} audit;

/* ---- Retention ---- */

static void trimmed(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    log_warn("policy", "cannot remove old rows of the audit: %s", outcome->error->message);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Some hundred rows at a time, so that nobody waits for it; what is left goes the next time. */
static void trim(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  const bp_db_value oldest[] = {part_integer(now_ns() - audit.days * DAY_NS)};
  const bp_db_value rows[] = {part_integer(audit.rows)};
  const bp_db_step steps[] = {{PART_EXEC(TRIM_AGE, oldest)}, {PART_EXEC(TRIM_COUNT, rows)}};
  store_part_write(audit.part, steps, 2, trimmed, NULL, NULL);
}

void audit_set_retention(int64_t days, int64_t rows) {
  audit.days = days;
  audit.rows = rows;
}

bp_status audit_open(bp_error *err) {
  static const struct store_part_plan plan = {.id = "bp.audit", .migrations = BP_ARRAY(migrations), .statements = BP_ARRAY(statements)};
  const struct timeval interval = {.tv_sec = TRIM_SECONDS};
  bp_status status = store_part_add(&plan, &audit.part, err);
  if (status != BP_OK)
    return status;
  audit.last_id = store_part_integer("SELECT max(id) FROM bp_audit_entries", 0);
  audit.timer = event_new(loop_base(), -1, EV_PERSIST, trim, NULL);
  if (audit.timer)
    event_add(audit.timer, &interval);
  return BP_OK;
}

void audit_release(void) {
  store_part_remove(audit.part);
  audit.part = NULL;
  if (audit.timer)
    event_free(audit.timer);
  audit.timer = NULL;
  audit.queued = 0;
}

/* ---- Adding ---- */

static void lose(const char *why) {
  audit.counters.lost++;
  if (!audit.is_losing)
    log_error("policy", "rows of the audit are lost: %s", why);
  audit.is_losing = true;
}

static void added(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  audit.queued--;
  if (outcome->status != BP_OK) {
    lose(outcome->error->message);
    return;
  }
  audit.counters.rows++;
  audit.is_losing = false;
}

static bp_str text_or_empty(bp_str text) {
  return text.ptr ? text : BP_LIT("");
}

static bp_status insert(const struct audit_entry *entry, int64_t id, bp_str facts, bool is_cut, bp_error *err) {
  const bp_db_value params[] = {part_integer(id),
                                part_integer(now_ns()),
                                part_text(text_or_empty(entry->principal)),
                                part_text(text_or_empty(entry->module)),
                                part_text(text_or_empty(entry->operation)),
                                part_text(text_or_empty(entry->set)),
                                part_text(str_from(entry->verdict)),
                                part_text(str_from(entry->rule)),
                                part_text(str_from(entry->reason)),
                                part_text(text_or_empty(facts)),
                                part_integer(is_cut),
                                part_text(str_from(entry->approval_id))};
  const bp_db_step step = {PART_EXEC(INSERT, params)};
  return store_part_write(audit.part, &step, 1, added, NULL, err);
}

uint64_t audit_add(const struct audit_entry *entry) {
  LOOP_MAIN();
  struct buf facts = {0};
  bp_error err = BP_ERROR_INIT;
  if (!audit.part)
    return 0;
  if (audit.queued >= AUDIT_LIMIT_QUEUED) {
    lose("too many wait for the store");
    return 0;
  }
  bool is_cut = entry->facts && facts_show(entry->facts, &facts);
  int64_t id = audit.last_id + 1;
  bp_status status = insert(entry, id, facts.failed ? BP_LIT("") : buf_str(&facts), is_cut, &err);
  buf_release(&facts);
  if (status != BP_OK) {
    lose(err.message);
    return 0;
  }
  audit.last_id = id;
  audit.queued++;
  return (uint64_t)id;
}

const struct audit_counters *audit_counters(void) {
  return &audit.counters;
}

/* ---- Reading ---- */

struct reading {
  audit_fn done;
  void *ctx;
  uint32_t limit; /* 0: one entry by its id */
};

static json_t *text_of(bp_str text) {
  return json_stringn(text.ptr ? text.ptr : "", text.len);
}

/* Facts that were cut are no JSON: they are shown as text. */
static json_t *facts_of(bp_str text) {
  json_t *facts = text.len ? doc_parse(text, &doc_default_limits, NULL) : json_null();
  return facts ? facts : text_of(text);
}

static json_t *entry_json(const bp_db_outcome *o, uint32_t row) {
  static const char *const names[] = {"principal", "module", "operation", "set", "verdict", "rule", "reason"};
  json_t *entry = json_object();
  json_object_set_new(entry, "id", json_integer(part_integer_at(o, 0, row, 0)));
  json_object_set_new(entry, "time_ns", json_integer(part_integer_at(o, 0, row, 1)));
  for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    json_object_set_new(entry, names[i], text_of(part_text_at(o, 0, row, i + 2)));
  json_object_set_new(entry, "facts", facts_of(part_text_at(o, 0, row, 9)));
  json_object_set_new(entry, "facts_cut", json_boolean(part_integer_at(o, 0, row, 10)));
  bp_str approval = part_text_at(o, 0, row, 11);
  json_object_set_new(entry, "approval_id", approval.len ? text_of(approval) : json_null());
  return entry;
}

static json_t *page_json(const bp_db_outcome *o) {
  json_t *entries = json_array();
  uint32_t rows = db_table.rows(o->result, 0);
  for (uint32_t row = 0; row < rows; row++)
    json_array_append_new(entries, entry_json(o, row));
  bool has_more = rows > 0 && db_table.more(o->result, 0);
  return json_pack("{s:o, s:o}", "entries", entries, "next", has_more ? json_integer(part_integer_at(o, 0, rows - 1, 0)) : json_null());
}

static void read_over(void *ctx, const bp_db_outcome *outcome) {
  struct reading *reading = ctx;
  bp_error err = *outcome->error;
  bp_status status = outcome->status;
  json_t *answer = NULL;
  if (status == BP_OK && !reading->limit && db_table.rows(outcome->result, 0) == 0)
    status = fail(&err, BP_E_NOT_FOUND, "the audit has no row of this id");
  else if (status == BP_OK)
    answer = reading->limit ? page_json(outcome) : entry_json(outcome, 0);
  reading->done(reading->ctx, answer, status, &err);
  json_decref(answer);
  free(reading);
}

static bp_status start(bp_db_query query, struct reading wanted, bp_error *err) {
  struct reading *reading = mem_alloc(sizeof(*reading));
  *reading = wanted;
  query.max_rows = wanted.limit ? wanted.limit : 1;
  bp_status status = store_part_read(audit.part, &query, 1, read_over, reading, err);
  if (status != BP_OK)
    free(reading);
  return status;
}

bp_status audit_list(const struct audit_filter *filter, audit_fn done, void *ctx, bp_error *err) {
  const bp_db_value params[] = {part_integer(filter->after), part_text(text_or_empty(filter->set)), part_text(text_or_empty(filter->verdict)),
                                part_text(text_or_empty(filter->principal))};
  return start((bp_db_query){PART_QUERY(LIST, params)}, (struct reading){done, ctx, filter->limit}, err);
}

bp_status audit_get(int64_t id, audit_fn done, void *ctx, bp_error *err) {
  const bp_db_value params[] = {part_integer(id)};
  return start((bp_db_query){PART_QUERY(GET, params)}, (struct reading){done, ctx, 0}, err);
}
