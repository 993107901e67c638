/* Our additions: messages by words, and a session as a file to keep. */
#include "flow.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>

#define SEARCH_MOST 100

/* ---- Search ---- */

static void fetched(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (kit_call_failed(call, outcome))
    return;
  const bp_json_1 *json = call->module->json;
  uint32_t count = 0;
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  json->key(out, BP_LIT("messages"));
  json->array_begin(out);
  for (uint32_t i = 0; i < call->limit; i++) {
    if (call->kit.db->rows(outcome->result, i) == 0)
      continue; /* of another session, or deleted in between */
    json->put_raw(out, db_column(call->kit.db, outcome, i, 0, 0));
    count++;
  }
  json->array_end(out);
  json->key(out, BP_LIT("count"));
  json->put_integer(out, count);
  call_end(call, out);
}

static void answer_nothing(struct call *call) {
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  call->module->json->key(out, BP_LIT("messages"));
  call->module->json->put_raw(out, BP_LIT("[]"));
  call->module->json->key(out, BP_LIT("count"));
  call->module->json->put_integer(out, 0);
  call_end(call, out);
}

static void found(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  bp_db_value values[SEARCH_MOST][2];
  bp_db_query queries[SEARCH_MOST];
  if (kit_call_failed(call, outcome))
    return;
  uint32_t rows = call->kit.db->rows(outcome->result, 0);
  call->limit = rows < call->limit ? rows : call->limit;
  if (call->limit == 0) {
    answer_nothing(call);
    return;
  }
  for (uint32_t i = 0; i < call->limit; i++) {
    values[i][0] = (bp_db_value){.size = sizeof(bp_db_value)};
    values[i][1] = call->session_id ? db_integer(call->session_id) : db_null();
    call->kit.db->value(outcome->result, 0, i, 0, &values[i][0]);
    queries[i] =
        (bp_db_query){.size = sizeof(bp_db_query), .statement = MESSAGE_BY_NUMBER, .max_rows = 1, .params = {values[i], 2, sizeof(bp_db_value)}};
  }
  kit_call_read(call, queries, call->limit, fetched);
}

void messages_search(void *state, bp_request request) {
  struct flow *f = state;
  bp_str words = {NULL, 0}, session = {NULL, 0};
  int64_t limit = 50;
  f->http->param(request, BP_LIT("q"), &words);
  f->http->param(request, BP_LIT("sessionId"), &session);
  f->http->param_integer(request, BP_LIT("limit"), &limit);
  struct call *call = call_new(f, request, "messages", "");
  if (!call)
    return;
  call->session_id = session.len ? id_of_text(session) : 0;
  call->limit = (uint32_t)limit;
  bp_status status = f->db->search(f->self, BP_LIT("messages"), words, call->limit, 0, found, call);
  if (status != BP_OK)
    kit_call_refuse(call, status, NULL);
}

/* ---- Export ---- */

static void exported(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct flow *f = call->module;
  char disposition[80];
  if (kit_call_failed(call, outcome))
    return;
  if (f->db->rows(outcome->result, 0) == 0) {
    kit_call_problem(call, 404, BP_LIT("Session not found"));
    return;
  }
  snprintf(disposition, sizeof(disposition), "attachment; filename=\"flow-session-%lld.json\"", (long long)call->session_id);
  f->http->header_add(call->kit.request, BP_LIT("Content-Disposition"), str_z(disposition));
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  f->json->key(out, BP_LIT("session"));
  f->json->put_raw(out, db_column(f->db, outcome, 0, 0, 0));
  f->json->key(out, BP_LIT("messages"));
  f->json->array_begin(out);
  for (uint32_t row = 0; row < f->db->rows(outcome->result, 1); row++)
    f->json->put_raw(out, db_column(f->db, outcome, 1, row, 0));
  f->json->array_end(out);
  call_end(call, out);
}

void sessions_export(void *state, bp_request request) {
  struct flow *f = state;
  struct call *call = call_new(f, request, "session", "");
  if (!call)
    return;
  call->session_id = path_id(f, request);
  const bp_db_value values[] = {db_integer(call->session_id), db_integer(MESSAGES_MOST), db_integer(LISTING_BYTES)};
  const bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = GET_SESSION, .max_rows = 1, .params = {values, 1, sizeof(values[0])}},
      {.size = sizeof(bp_db_query), .statement = LIST_MESSAGES, .max_rows = MESSAGES_MOST, .params = BP_ARRAY(values)},
  };
  kit_call_read(call, queries, 2, exported);
}
