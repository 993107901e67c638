/* The context of a request while the store works for it, and how it is answered. */
#include "flow.h"

#include <stdlib.h>

struct call *call_new(struct flow *f, bp_request request, const char *member, const char *absent) {
  struct call *call = kit_call_new(f->self, f->http, f->db, request, sizeof(*call));
  if (!call)
    return NULL;
  call->module = f;
  call->member = member;
  call->absent = absent;
  return call;
}

void call_free(struct call *call) {
  kit_text_free(&call->prompt);
  free(call);
}

bp_json_writer call_begin(struct call *call) {
  const bp_json_1 *json = call->module->json;
  bp_json_writer out = 0;
  bp_status status = json->writer_new(call->kit.self, &out);
  if (status != BP_OK) {
    kit_text_free(&call->prompt);
    kit_call_refuse(call, status, NULL);
    return 0;
  }
  json->object_begin(out);
  json->key(out, BP_LIT("success"));
  json->put_boolean(out, 1);
  return out;
}

void call_end(struct call *call, bp_json_writer out) {
  call->module->json->object_end(out);
  kit_text_free(&call->prompt);
  kit_call_json(call, 200, call->module->json, out);
}

void call_answer_message(struct call *call, bp_str message) {
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  json_text_member(call->module->json, out, BP_LIT("message"), message);
  call_end(call, out);
}

void call_answer_row(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (kit_call_failed(call, outcome))
    return;
  if (call->kit.db->rows(outcome->result, 0) == 0) {
    kit_call_problem(call, 404, str_z(call->absent));
    return;
  }
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  call->module->json->key(out, str_z(call->member));
  call->module->json->put_raw(out, db_column(call->kit.db, outcome, 0, 0, 0));
  call_end(call, out);
}

void call_answer_rows(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (kit_call_failed(call, outcome))
    return;
  const bp_json_1 *json = call->module->json;
  uint32_t rows = call->kit.db->rows(outcome->result, 0);
  bp_json_writer out = call_begin(call);
  if (!out)
    return;
  json->key(out, str_z(call->member));
  json->array_begin(out);
  for (uint32_t row = 0; row < rows; row++)
    json->put_raw(out, db_column(call->kit.db, outcome, 0, row, 0));
  json->array_end(out);
  json->key(out, BP_LIT("count"));
  json->put_integer(out, rows);
  call_end(call, out);
}
