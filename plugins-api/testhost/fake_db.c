/* bp.db/1 of the fake host: runs no SQL. Units are recorded as JSON, rows are what the test said, `done` runs later. */
#include "base/fail.h"
#include "base/slots.h"
#include "fake.h"

#include <stdlib.h>
#include <string.h>

static json_t *rows_by_name; /* statement or index -> array of rows */
static json_t *units;        /* array of recorded units */
static int64_t last_rowid;
static bp_status next_status;
static const char *next_pointer;
static struct slots results;

/* One call, from write or read to done. */
struct call {
  bp_db_done_fn done;
  void *ctx;
  uint32_t count;
  json_t **rows; /* of each step, or NULL; a reference each */
  int64_t *rowids;
  uint32_t *effects; /* rows returned, or changed: what `expect` and IF_CHANGED look at */
  json_t *record;
  bp_status status;
  uint32_t failed_step;
  uint64_t sequence;
  bp_error error;
};

/* ---- The test's side ---- */

static bool is_declared(bp_array array, bool searches, const char *name) {
  bp_statement statement;
  bp_search_index index;
  for (uint32_t i = 0; i < array.count; i++) {
    if (searches)
      array_item(array, i, &index);
    else
      array_item(array, i, &statement);
    if (str_eq(searches ? index.name : statement.name, str_from(name)))
      return true;
  }
  return false;
}

void bp_testhost_rows(const char *statement, const char *json) {
  const bp_plugin_descriptor *plugin = fake_plugin();
  json_t *rows = fake_parse(statement, json);
  if (!is_declared(plugin->statements, false, statement) && !is_declared(plugin->searches, true, statement))
    fake_misuse("the plugin declares no statement or search \"%s\"", statement);
  if (!json_is_array(rows) || (json_array_size(rows) && !json_is_array(json_array_get(rows, 0))))
    fake_misuse("the rows of \"%s\" are no array of arrays: %s", statement, json);
  if (!rows_by_name)
    rows_by_name = json_object();
  json_object_set_new(rows_by_name, statement, rows);
}

void bp_testhost_fail_store(bp_status status, const char *pointer) {
  next_status = status;
  next_pointer = pointer ? fake_keep(str_from(pointer)) : NULL;
}

uint32_t bp_testhost_unit_count(void) {
  return (uint32_t)json_array_size(units);
}

const char *bp_testhost_unit(uint32_t index) {
  json_t *unit = json_array_get(units, index);
  if (!unit)
    fake_misuse("there is no unit %u, only %u", index, bp_testhost_unit_count());
  return fake_keep_json(json_incref(unit));
}

/* ---- A call ---- */

static struct call *call_new(uint32_t count, bp_db_done_fn done, void *ctx) {
  struct call *call = mem_alloc(sizeof(*call));
  *call = (struct call){.done = done, .ctx = ctx, .count = count, .error = BP_ERROR_INIT};
  call->rows = mem_array(count + 1, sizeof(json_t *));
  call->rowids = mem_array(count + 1, sizeof(*call->rowids));
  call->effects = mem_array(count + 1, sizeof(*call->effects));
  call->record = json_array();
  return call;
}

static void call_free(struct call *call) {
  for (uint32_t i = 0; i < call->count; i++)
    json_decref(call->rows[i]);
  free(call->rows);
  free(call->rowids);
  free(call->effects);
  json_decref(call->record);
  free(call);
}

static bool call_fail(struct call *call, uint32_t step, bp_status status, const char *pointer) {
  call->status = status;
  call->failed_step = step;
  fail(&call->error, status, "%s", status_name(status));
  if (pointer)
    fail_pointer(&call->error, "%s", pointer);
  return false;
}

/* What the test ordered with bp_testhost_fail_store. */
static bool passes(struct call *call) {
  bp_status ordered = next_status;
  next_status = BP_OK;
  return ordered == BP_OK || call_fail(call, 0, ordered, next_pointer);
}

static void run_done(void *ctx) {
  struct call *call = ctx;
  bp_db_outcome outcome = {.size = sizeof(outcome),
                           .status = call->status,
                           .failed_step = call->failed_step,
                           .sequence = call->sequence,
                           .result = slots_add(&results, call),
                           .error = &call->error};
  if (call->done)
    call->done(call->ctx, &outcome);
  slots_remove(&results, outcome.result);
  call_free(call);
}

/* The rows the test gave the statement; NULL if it gave none. A new reference. */
static json_t *rows_of(bp_str name) {
  return json_incref(json_object_getn(rows_by_name, name.ptr, name.len));
}

static bp_statement statement_at(uint32_t number) {
  bp_statement statement;
  if (number >= fake_plugin()->statements.count)
    fake_misuse("the plugin runs statement %u but declares only %u", number, fake_plugin()->statements.count);
  array_item(fake_plugin()->statements, number, &statement);
  return statement;
}

/* ---- Writes ---- */

static json_t *param_value(const struct call *call, const bp_db_value *value) {
  uint32_t step = value->step < call->count ? value->step : call->count;
  switch (value->type) {
  case BP_DB_INTEGER:
    return json_integer(value->integer);
  case BP_DB_REAL:
    return json_real(value->real);
  case BP_DB_TEXT:
  case BP_DB_BLOB: {
    json_t *text = json_stringn(value->text.ptr ? value->text.ptr : "", value->text.len);
    return text ? text : json_string("(bytes that are no text)");
  }
  case BP_DB_RESULT: {
    json_t *found = json_array_get(json_array_get(call->rows[step], 0), (size_t)value->integer);
    return found ? json_incref(found) : json_null();
  }
  case BP_DB_ROWID:
    return json_integer(call->rowids[step]);
  default:
    return json_null();
  }
}

static bool meets(uint32_t expect, uint32_t effect) {
  switch (expect) {
  case BP_DB_ONE:
    return effect == 1;
  case BP_DB_SOME:
    return effect > 0;
  case BP_DB_NONE:
    return effect == 0;
  default:
    return true;
  }
}

static bool run_exec(struct call *call, uint32_t index, const bp_db_step *step) {
  bp_statement statement = statement_at(step->statement);
  bp_db_value value;
  json_t *params = json_array(), *shown = json_object();
  for (uint32_t i = 0; i < step->params.count; i++) {
    array_item(step->params, i, &value);
    json_array_append_new(params, param_value(call, &value));
  }
  json_object_set_new(shown, "statement", json_stringn(statement.name.ptr, statement.name.len));
  json_object_set_new(shown, "params", params);
  json_array_append_new(call->record, shown);
  call->rows[index] = rows_of(statement.name);
  call->effects[index] = call->rows[index] ? (uint32_t)json_array_size(call->rows[index]) : 1;
  call->rowids[index] = call->effects[index] ? ++last_rowid : 0;
  return meets(step->expect, call->effects[index]) || call_fail(call, index, BP_E_CONFLICT, NULL);
}

static void record_event(struct call *call, const bp_db_step *step, json_t *payload) {
  json_t *shown = json_object();
  json_object_set_new(shown, "topic", json_stringn(step->topic.ptr, step->topic.len));
  json_object_set_new(shown, "key", json_stringn(step->key.ptr ? step->key.ptr : "", step->key.len));
  json_object_set_new(shown, "payload", payload);
  json_array_append_new(call->record, shown);
}

static bool run_publish(struct call *call, uint32_t index, const bp_db_step *step) {
  size_t at;
  json_t *row;
  if (step->payload.len) {
    record_event(call, step, fake_parse("an event's payload", fake_keep(step->payload)));
    return true;
  }
  if (step->payload_step >= index)
    return call_fail(call, index, BP_E_INVALID, NULL);
  json_array_foreach(call->rows[step->payload_step], at, row) {
    const char *text = json_string_value(json_array_get(row, step->payload_column));
    if (!text)
      fake_misuse("column %u of step %u is no text: it cannot be an event's payload", step->payload_column, step->payload_step);
    record_event(call, step, fake_parse("an event's payload", text));
  }
  return true;
}

static bool run_step(struct call *call, uint32_t index, const bp_db_step *step) {
  if (step->flags & BP_DB_IF_CHANGED && (step->when_step >= index || call->effects[step->when_step] == 0))
    return true;
  return step->kind == BP_DB_EXEC ? run_exec(call, index, step) : run_publish(call, index, step);
}

/* All steps passed: the unit counts, and its events go out. */
static void commit(struct call *call) {
  size_t at;
  json_t *shown;
  if (!units)
    units = json_array();
  json_array_append(units, call->record);
  json_array_foreach(call->record, at, shown) {
    const char *topic = json_string_value(json_object_get(shown, "topic"));
    if (!topic)
      continue;
    const char *payload = fake_keep_json(json_incref(json_object_get(shown, "payload")));
    call->sequence = fake_live_add(BP_TOPIC_DURABLE, str_from(topic), str_from(json_string_value(json_object_get(shown, "key"))), str_from(payload));
  }
}

static bp_status write_unit(bp_plugin self, bp_array steps, bp_db_done_fn done, void *ctx) {
  struct call *call = call_new(steps.count, done, ctx);
  bp_db_step step;
  (void)self;
  bool ok = passes(call);
  for (uint32_t i = 0; ok && i < steps.count; i++) {
    array_item(steps, i, &step);
    ok = run_step(call, i, &step);
  }
  if (ok)
    commit(call);
  fake_later(run_done, call);
  return BP_OK;
}

/* ---- Reads ---- */

static bp_status read_rows(bp_plugin self, bp_array queries, uint32_t deadline_ms, bp_db_done_fn done, void *ctx) {
  struct call *call = call_new(queries.count, done, ctx);
  bp_db_query query;
  (void)self;
  (void)deadline_ms;
  bool ok = passes(call);
  for (uint32_t i = 0; ok && i < queries.count; i++) {
    array_item(queries, i, &query);
    call->rows[i] = rows_of(statement_at(query.statement).name);
  }
  call->sequence = bp_testhost_event_count();
  fake_later(run_done, call);
  return BP_OK;
}

static bp_status search(bp_plugin self, bp_str index, bp_str text, uint32_t limit, uint32_t offset, bp_db_done_fn done, void *ctx) {
  struct call *call = call_new(1, done, ctx);
  (void)self;
  (void)text;
  (void)limit;
  (void)offset;
  if (passes(call))
    call->rows[0] = rows_of(index);
  fake_later(run_done, call);
  return BP_OK;
}

/* ---- Results ---- */

static const json_t *step_rows(bp_db_result result, uint32_t step) {
  const struct call *call = slots_get(&results, result);
  return call && step < call->count ? call->rows[step] : NULL;
}

static uint32_t rows(bp_db_result result, uint32_t step) {
  return (uint32_t)json_array_size(step_rows(result, step));
}

static uint32_t columns(bp_db_result result, uint32_t step) {
  return (uint32_t)json_array_size(json_array_get(step_rows(result, step), 0));
}

static uint32_t more(bp_db_result result, uint32_t step) {
  (void)result;
  (void)step;
  return 0;
}

static int64_t changes(bp_db_result result, uint32_t step) {
  const struct call *call = slots_get(&results, result);
  return call && step < call->count ? call->effects[step] : 0;
}

static int64_t rowid(bp_db_result result, uint32_t step) {
  const struct call *call = slots_get(&results, result);
  return call && step < call->count ? call->rowids[step] : 0;
}

static bp_status value(bp_db_result result, uint32_t step, uint32_t row, uint32_t column, bp_db_value *ret) {
  if (!slots_get(&results, result))
    return BP_E_STALE;
  const json_t *found = json_array_get(json_array_get(step_rows(result, step), row), column);
  if (!found)
    return BP_E_NOT_FOUND;
  uint32_t size = ret->size;
  *ret = (bp_db_value){.size = size, .type = BP_DB_NULL};
  if (json_is_integer(found)) {
    ret->type = BP_DB_INTEGER;
    ret->integer = json_integer_value(found);
  } else if (json_is_real(found)) {
    ret->type = BP_DB_REAL;
    ret->real = json_real_value(found);
  } else if (json_is_string(found)) {
    ret->type = BP_DB_TEXT;
    ret->text = bp_str_make(json_string_value(found), json_string_length(found));
  }
  return BP_OK;
}

void fake_db_reset(void) {
  json_decref(rows_by_name);
  json_decref(units);
  rows_by_name = units = NULL;
  last_rowid = 0;
  next_status = BP_OK;
  next_pointer = NULL;
  slots_release(&results);
}

const bp_db_1 fake_db_table = {
    .size = sizeof(bp_db_1),
    .write = write_unit,
    .read = read_rows,
    .search = search,
    .rows = rows,
    .columns = columns,
    .more = more,
    .changes = changes,
    .rowid = rowid,
    .value = value,
};
