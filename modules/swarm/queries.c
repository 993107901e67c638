/* What clients read: a session, all of them, the history of one. Straight from the store, which knows exactly what was acknowledged. */
#include "statements.h"
#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define NOT_FOUND BP_LIT("Session not found")
#define PAGE_MOST 1000

struct question {
  struct kit_call kit;
  const struct swarm *module;
  uint32_t limit;
};

static struct question *question_new(struct swarm *w, bp_request request) {
  struct question *q = kit_call_new(w->self, w->http, w->db, request, sizeof(*q));
  int64_t limit = 0;
  if (!q)
    return NULL;
  q->module = w;
  if (w->http->param_integer(request, BP_LIT("limit"), &limit) == BP_OK)
    q->limit = (uint32_t)limit;
  return q;
}

static bp_str id_of(const struct swarm *w, bp_request request) {
  bp_str id = {NULL, 0};
  w->http->param(request, BP_LIT("id"), &id);
  return id;
}

static void answer_one(void *ctx, const bp_db_outcome *outcome) {
  struct question *q = ctx;
  if (kit_call_failed(q, outcome))
    return;
  if (q->kit.db->rows(outcome->result, 0) == 0)
    kit_call_problem(q, 404, NOT_FOUND);
  else
    kit_call_text(q, 200, db_column(q->kit.db, outcome, 0, 0, 0));
}

void sessions_get(void *state, bp_request request) {
  struct swarm *w = state;
  const bp_db_value id = db_text(id_of(w, request));
  const bp_db_query query = {.size = sizeof(query), .statement = GET_SESSION, .max_rows = 1, .params = {&id, 1, sizeof(id)}};
  struct question *q = question_new(w, request);
  if (q)
    kit_call_read(q, &query, 1, answer_one);
}

/* {"<name>":[…],"count":n} of JSON texts in `column`; the object stays open. 0: answered. */
static bp_json_writer begin_rows(struct question *q, const bp_db_outcome *outcome, bp_str name, uint32_t step, uint32_t column) {
  const bp_json_1 *json = q->module->json;
  bp_json_writer out = 0;
  bp_status status = json->writer_new(q->kit.self, &out);
  if (status != BP_OK) {
    kit_call_refuse(q, status, NULL);
    return 0;
  }
  uint32_t rows = q->kit.db->rows(outcome->result, step);
  if (rows > q->limit)
    rows = q->limit;
  json->object_begin(out);
  json->key(out, name);
  json->array_begin(out);
  for (uint32_t row = 0; row < rows; row++)
    json->put_raw(out, db_column(q->kit.db, outcome, step, row, column));
  json->array_end(out);
  json->key(out, BP_LIT("count"));
  json->put_integer(out, rows);
  return out;
}

static void answer_list(void *ctx, const bp_db_outcome *outcome) {
  struct question *q = ctx;
  if (kit_call_failed(q, outcome))
    return;
  bp_json_writer out = begin_rows(q, outcome, BP_LIT("sessions"), 0, 0);
  if (!out)
    return;
  q->module->json->object_end(out);
  kit_call_json(q, 200, q->module->json, out);
}

void sessions_list(void *state, bp_request request) {
  struct swarm *w = state;
  bp_str status = {NULL, 0};
  int64_t offset = 0;
  struct question *q = question_new(w, request);
  if (!q)
    return;
  w->http->param(request, BP_LIT("status"), &status);
  w->http->param_integer(request, BP_LIT("offset"), &offset);
  const bp_db_value values[] = {db_text(status), db_integer(q->limit), db_integer(offset)};
  const bp_db_query query = {.size = sizeof(query), .statement = LIST_SESSIONS, .max_rows = PAGE_MOST, .params = BP_ARRAY(values)};
  kit_call_read(q, &query, 1, answer_list);
}

static void answer_events(void *ctx, const bp_db_outcome *outcome) {
  struct question *q = ctx;
  bp_db_value last = {.size = sizeof(last)};
  if (kit_call_failed(q, outcome))
    return;
  if (q->kit.db->rows(outcome->result, 0) == 0) {
    kit_call_problem(q, 404, NOT_FOUND);
    return;
  }
  bp_json_writer out = begin_rows(q, outcome, BP_LIT("events"), 1, 1);
  if (!out)
    return;
  bool has_more = q->kit.db->rows(outcome->result, 1) > q->limit;
  if (has_more && q->kit.db->value(outcome->result, 1, q->limit - 1, 0, &last) == BP_OK) {
    q->module->json->key(out, BP_LIT("next"));
    q->module->json->put_integer(out, last.integer);
  }
  q->module->json->object_end(out);
  kit_call_json(q, 200, q->module->json, out);
}

void sessions_events(void *state, bp_request request) {
  struct swarm *w = state;
  int64_t after = 0;
  struct question *q = question_new(w, request);
  if (!q)
    return;
  w->http->param_integer(request, BP_LIT("after"), &after);
  const bp_db_value values[] = {db_text(id_of(w, request)), db_integer(after), db_integer((int64_t)q->limit + 1)};
  const bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = GET_SESSION, .max_rows = 1, .params = {values, 1, sizeof(values[0])}},
      {.size = sizeof(bp_db_query), .statement = LIST_EVENTS, .max_rows = PAGE_MOST + 1, .params = BP_ARRAY(values)},
  };
  kit_call_read(q, queries, 2, answer_events);
}
