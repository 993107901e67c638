/* Looking repositories up: all of them, or one. */
#include "repositories.h"
#include "statements.h"

#define LIST_MOST 10000

static void answer_list(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct repositories *r = call->module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (call_failed(call, outcome))
    return;
  bp_status status = r->json->writer_new(r->self, &out);
  if (status != BP_OK) {
    call_end_failure(call, status, NULL);
    return;
  }
  r->json->array_begin(out);
  for (uint32_t row = 0; row < r->db->rows(outcome->result, 0); row++)
    r->json->put_raw(out, db_column(r->db, outcome, 0, row, 0));
  r->json->array_end(out);
  status = r->json->writer_text(out, &text, NULL);
  if (status == BP_OK)
    call_end_json(call, text);
  else
    call_end_failure(call, status, NULL);
  r->json->writer_free(out);
}

void query_list(struct call *call) {
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_ENTRIES, .max_rows = LIST_MOST};
  call_read(call, &query, answer_list);
}

static void answer_one(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (call_failed(call, outcome))
    return;
  if (call->module->db->rows(outcome->result, 0) == 0)
    call_end_problem(call, 404, BP_E_NOT_FOUND, BP_LIT("Repository not found"));
  else
    call_end_json(call, db_column(call->module->db, outcome, 0, 0, 0));
}

void query_one(struct call *call) {
  const bp_db_value values[] = {db_integer(call->id)};
  const bp_db_query query = {.size = sizeof(query), .statement = ENTRY_BY_ID, .max_rows = 1, .params = BP_ARRAY(values)};
  call_read(call, &query, answer_one);
}

void repositories_list(void *state, bp_request request) {
  struct repositories *r = state;
  bp_str id = {NULL, 0};
  bool is_one = r->http->param(request, BP_LIT("id"), &id) == BP_OK;
  struct call *call = call_of_request(r, request, is_one ? BP_LIT("repository") : BP_LIT("repositories"));
  if (!call)
    return;
  if (!is_one) {
    query_list(call);
    return;
  }
  if (r->http->param_integer(request, BP_LIT("id"), &call->id) != BP_OK)
    call->id = 0; /* no row has it */
  query_one(call);
}
