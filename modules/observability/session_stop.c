/* Stopping a session: the row says "stopped" and everybody is told; asking again is no error. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

/* Steps of the unit, and the columns of SESSION_BY_ID that it looks at. */
enum { STOP_STEP_MARK, STOP_STEP_PUBLISH, STOP_STEP_READ, STOP_STEP_COUNT };
enum { COLUMN_STATUS = 1, COLUMN_NAME = 2, COLUMN_PID = 3 };

static bp_str stop_message(const struct observability *o, const bp_db_outcome *outcome) {
  bp_db_value pid = {.size = sizeof(pid)};
  if (o->db->rows(outcome->result, STOP_STEP_MARK) == 0)
    return BP_LIT("Session was already stopped or finished");
  o->db->value(outcome->result, STOP_STEP_READ, 0, COLUMN_PID, &pid);
  if (pid.type == BP_DB_INTEGER)
    return BP_LIT("Session stopped successfully (marked as stopped; its process was not signalled)");
  return BP_LIT("Session stopped successfully");
}

static void write_text_member(const struct observability *o, bp_json_writer out, bp_str name, bp_str value) {
  o->json->key(out, name);
  o->json->put_string(out, value);
}

static void answer_stopped(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct observability *o = call->module;
  bp_json_writer out = 0;
  bp_str id = {NULL, 0};
  if (outcome->status == BP_E_CONFLICT) {
    reply_error(o, call->request, 404, BP_LIT("Session not found"));
    free(call);
    return;
  }
  if (call_failed(call, outcome))
    return;
  o->http->param(call->request, BP_LIT("session_id"), &id);
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("success"));
  o->json->put_boolean(out, 1);
  o->json->key(out, BP_LIT("ok"));
  o->json->put_boolean(out, 1);
  write_text_member(o, out, BP_LIT("session_id"), id);
  write_text_member(o, out, BP_LIT("session_name"), column_text(o, outcome, STOP_STEP_READ, 0, COLUMN_NAME));
  write_text_member(o, out, BP_LIT("status"), column_text(o, outcome, STOP_STEP_READ, 0, COLUMN_STATUS));
  write_text_member(o, out, BP_LIT("message"), stop_message(o, outcome));
  o->json->object_end(out);
  call_reply(call, 200, out);
}

void sessions_stop(void *state, bp_request request) {
  struct observability *o = state;
  char now[TIMESTAMP_BYTES];
  bp_str id = {NULL, 0};
  struct call *call = call_new(o, request);
  if (!call)
    return;
  o->http->param(request, BP_LIT("session_id"), &id);
  bp_db_value params[] = {db_text(id), db_text(timestamp_now(o, now))};
  bp_db_step steps[STOP_STEP_COUNT] = {
      [STOP_STEP_MARK] = {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = STOP_SESSION, .params = {params, 2, sizeof(bp_db_value)}},
      [STOP_STEP_PUBLISH] = {.size = sizeof(bp_db_step),
                             .kind = BP_DB_PUBLISH,
                             .topic = BP_LIT("observability.session_updated"),
                             .key = id,
                             .payload_step = STOP_STEP_MARK},
      [STOP_STEP_READ] = {.size = sizeof(bp_db_step),
                          .kind = BP_DB_EXEC,
                          .statement = SESSION_BY_ID,
                          .expect = BP_DB_ONE,
                          .params = {params, 1, sizeof(bp_db_value)}},
  };
  call_write(call, steps, STOP_STEP_COUNT, answer_stopped);
}
