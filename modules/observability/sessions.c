/* Sessions: listing, reading, creating, renaming, deleting. Stopping is session_stop.c. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>

#define SESSIONS_MOST 10000

/* Columns of SESSION_BY_ID. */
enum { SESSION_TEXT, SESSION_STATUS };

static bool text_is(bp_str text, bp_str expected) {
  return text.len == expected.len && __builtin_memcmp(text.ptr, expected.ptr, expected.len) == 0;
}

static bp_str session_param(const struct observability *o, bp_request request) {
  bp_str id = {NULL, 0};
  o->http->param(request, BP_LIT("session_id"), &id);
  return id;
}

void sessions_write(struct observability *o, bp_json_writer out, const bp_db_outcome *outcome, uint32_t rows) {
  o->json->key(out, BP_LIT("sessions"));
  o->json->array_begin(out);
  for (uint32_t row = 0; row < rows; row++)
    o->json->put_raw(out, db_column(o->db, outcome, 0, row, 0));
  o->json->array_end(out);
}

static void answer_list(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct observability *o = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  uint32_t rows = o->db->rows(outcome->result, 0);
  bool has_more = rows > call->limit;
  if (has_more)
    rows = call->limit;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  sessions_write(o, out, outcome, rows);
  if (has_more && call->wants_paging) {
    o->json->key(out, BP_LIT("next"));
    o->json->put_string(out, db_column(o->db, outcome, 0, rows - 1, 1));
  }
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

void sessions_list(void *state, bp_request request) {
  struct observability *o = state;
  bp_str after = {NULL, 0};
  int64_t limit = SESSIONS_MOST - 1;
  bool has_limit = o->http->param_integer(request, BP_LIT("limit"), &limit) == BP_OK;
  bool has_after = o->http->param(request, BP_LIT("after"), &after) == BP_OK;
  struct call *call = call_new(o, request);
  if (!call)
    return;
  call->limit = (uint32_t)limit;
  call->wants_paging = has_limit || has_after;
  bp_db_value params[] = {db_integer(limit + 1), db_text(after)};
  bp_db_query query = {.size = sizeof(query),
                       .statement = has_after ? LIST_SESSIONS_AFTER : LIST_SESSIONS,
                       .max_rows = SESSIONS_MOST,
                       .params = {params, has_after ? 2 : 1, sizeof(bp_db_value)}};
  kit_call_read(call, &query, 1, answer_list);
}

/* {"<name>": <session>} with an optional "ok": true before it. */
static void reply_session(struct call *call, bp_str session, bool with_ok) {
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  if (with_ok) {
    o->json->key(out, BP_LIT("ok"));
    o->json->put_boolean(out, 1);
  }
  o->json->key(out, BP_LIT("session"));
  o->json->put_raw(out, session);
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

static void reply_and_free(struct call *call, uint32_t status, bp_str message) {
  kit_problem(call->module->http, call->kit.request, status, message);
  free(call);
}

static void read_session(struct observability *o, bp_request request, bp_db_done_fn done) {
  struct call *call = call_new(o, request);
  if (!call)
    return;
  bp_db_value id = db_text(session_param(o, request));
  bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = SESSION_BY_ID, .max_rows = 1, .params = {&id, 1, sizeof(id)}},
      {.size = sizeof(bp_db_query), .statement = LAST_ANSWER, .max_rows = 1, .params = {&id, 1, sizeof(id)}},
  };
  kit_call_read(call, queries, 2, done);
}

static void answer_get(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  if (kit_call_failed(call, outcome))
    return;
  if (o->db->rows(outcome->result, 0) == 0)
    reply_and_free(call, 404, BP_LIT("Session not found"));
  else
    reply_session(call, db_column(o->db, outcome, 0, 0, SESSION_TEXT), false);
}

void sessions_get(void *state, bp_request request) {
  read_session(state, request, answer_get);
}

/* The command-line tools know three words: a stopped session counts as finished, an unknown one is not an error. */
static void answer_status(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  bp_str status = db_column(o->db, outcome, 0, 0, SESSION_STATUS);
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("status"));
  o->json->put_string(out, !status.ptr ? BP_LIT("not_existent") : text_is(status, BP_LIT("stopped")) ? BP_LIT("finished") : status);
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

void sessions_status(void *state, bp_request request) {
  read_session(state, request, answer_status);
}

static void answer_result(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  if (kit_call_failed(call, outcome))
    return;
  bp_str text = db_column(o->db, outcome, 1, 0, 0);
  if (o->db->rows(outcome->result, 0) == 0) {
    reply_and_free(call, 404, BP_LIT("Session not found"));
  } else if (text_is(db_column(o->db, outcome, 0, 0, SESSION_STATUS), BP_LIT("running"))) {
    reply_and_free(call, 400, BP_LIT("Session not finished"));
  } else if (!text.ptr) {
    reply_and_free(call, 404, BP_LIT("No result found"));
  } else {
    o->json->writer_new(o->self, &out);
    o->json->object_begin(out);
    o->json->key(out, BP_LIT("result"));
    o->json->put_string(out, text);
    o->json->object_end(out);
    kit_call_json(call, 200, call->module->json, out);
  }
}

void sessions_result(void *state, bp_request request) {
  read_session(state, request, answer_result);
}

static bp_db_value body_text(const struct observability *o, bp_json body, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (o->json->get(body, name, &value) == BP_OK)
    o->json->string(value, &text);
  return db_text(text);
}

static void answer_created(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status == BP_E_EXISTS)
    reply_and_free(call, 409, BP_LIT("Session already exists"));
  else if (!kit_call_failed(call, outcome))
    reply_session(call, db_column(call->module->db, outcome, 0, 0, 0), true);
}

void sessions_create(void *state, bp_request request) {
  struct observability *o = state;
  bp_json body = 0;
  char now[TIMESTAMP_BYTES];
  struct call *call = call_new(o, request);
  if (!call)
    return;
  o->http->body(request, &body);
  bp_db_value params[] = {body_text(o, body, BP_LIT("session_id")), body_text(o, body, BP_LIT("session_name")), db_text(timestamp_now(o, now)),
                          body_text(o, body, BP_LIT("project_dir")), body_text(o, body, BP_LIT("agent_name"))};
  bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = CREATE_SESSION, .expect = BP_DB_ONE, .params = BP_ARRAY(params)},
      db_publish(BP_LIT("observability.session_created"), params[0].text, 0),
  };
  kit_call_write(call, steps, 2, answer_created);
}

static void answer_patched(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status == BP_E_CONFLICT)
    reply_and_free(call, 404, BP_LIT("Session not found"));
  else if (!kit_call_failed(call, outcome))
    reply_session(call, db_column(call->module->db, outcome, 0, 0, 0), true);
}

void sessions_patch_metadata(void *state, bp_request request) {
  struct observability *o = state;
  bp_json body = 0;
  char now[TIMESTAMP_BYTES];
  struct call *call = call_new(o, request);
  if (!call)
    return;
  o->http->body(request, &body);
  bp_db_value params[] = {db_text(session_param(o, request)), body_text(o, body, BP_LIT("session_name")), body_text(o, body, BP_LIT("project_dir")),
                          body_text(o, body, BP_LIT("agent_name")), db_text(timestamp_now(o, now))};
  bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = PATCH_SESSION, .expect = BP_DB_ONE, .params = BP_ARRAY(params)},
      db_publish(BP_LIT("observability.session_updated"), params[0].text, 0),
  };
  kit_call_write(call, steps, 2, answer_patched);
}

enum { DELETE_STEP_EVENTS, DELETE_STEP_SESSION, DELETE_STEP_NODES, DELETE_STEP_BUDGET, DELETE_STEP_PUBLISH, DELETE_STEP_COUNT };

static void answer_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  if (outcome->status == BP_E_CONFLICT) {
    reply_and_free(call, 404, BP_LIT("Session not found"));
    return;
  }
  if (kit_call_failed(call, outcome))
    return;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("ok"));
  o->json->put_boolean(out, 1);
  o->json->key(out, BP_LIT("session_id"));
  o->json->put_string(out, session_param(o, call->kit.request));
  o->json->key(out, BP_LIT("deleted"));
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("session"));
  o->json->put_boolean(out, 1);
  o->json->key(out, BP_LIT("events_count"));
  o->json->put_integer(out, o->db->changes(outcome->result, DELETE_STEP_EVENTS));
  o->json->object_end(out);
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

/* {"session_id": id}: what the live log tells of a deletion. */
static bp_json_writer deletion_payload(const struct observability *o, bp_str id) {
  bp_json_writer out = 0;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("session_id"));
  o->json->put_string(out, id);
  o->json->object_end(out);
  return out;
}

static void delete_stopped(struct call *call, const struct stopped_session *session) {
  const struct observability *o = call->module;
  bp_str payload = {NULL, 0};
  bp_db_value id = db_text(session->id);
  bp_json_writer gone = deletion_payload(o, id.text);
  o->json->writer_text(gone, &payload, NULL);
  bp_array params = {&id, 1, sizeof(id)};
  bp_db_step steps[DELETE_STEP_COUNT] = {
      [DELETE_STEP_EVENTS] = {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = DELETE_EVENTS, .params = params},
      [DELETE_STEP_SESSION] = {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = DELETE_SESSION, .expect = BP_DB_ONE, .params = params},
      [DELETE_STEP_NODES] = db_exec(DELETE_NODES, &id, 1),
      [DELETE_STEP_BUDGET] = db_exec(DELETE_BUDGET, &id, 1),
      [DELETE_STEP_PUBLISH] = db_publish(BP_LIT("observability.session_deleted"), id.text, 0),
  };
  steps[DELETE_STEP_PUBLISH].payload = payload;
  kit_call_write(call, steps, DELETE_STEP_COUNT, answer_deleted);
  o->json->writer_free(gone);
}

void sessions_delete(void *state, bp_request request) {
  session_stop_first(state, request, delete_stopped);
}
