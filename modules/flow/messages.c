/* Messages of a session: listing, reading, posting. A posted one is told to the clients in the room of its session. */
#include "flow.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_SESSION "Session not found"

static struct call *call_with_session(struct flow *f, bp_request request, const char *member, int64_t session_id) {
  struct call *call = call_new(f, request, member, NO_SESSION);
  if (call)
    call->session_id = session_id;
  return call;
}

/* ---- Listing ---- */

static void listed(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status == BP_OK && call->kit.db->rows(outcome->result, 1) == 0)
    kit_call_problem(call, 404, BP_LIT(NO_SESSION));
  else
    call_answer_rows(call, outcome);
}

void messages_list(void *state, bp_request request) {
  struct flow *f = state;
  bp_str text = {NULL, 0};
  f->http->param(request, BP_LIT("sessionId"), &text);
  if (text.len == 0) {
    kit_problem(f->http, request, 400, BP_LIT("sessionId is required"));
    return;
  }
  struct call *call = call_with_session(f, request, "messages", id_of_text(text));
  if (!call)
    return;
  const bp_db_value values[] = {db_integer(call->session_id), db_integer(MESSAGES_MOST), db_integer(LISTING_BYTES)};
  const bp_db_query queries[] = {
      {.size = sizeof(bp_db_query), .statement = LIST_MESSAGES, .max_rows = MESSAGES_MOST, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_query), .statement = GET_SESSION, .max_rows = 1, .params = {values, 1, sizeof(values[0])}},
  };
  kit_call_read(call, queries, 2, listed);
}

void messages_get(void *state, bp_request request) {
  struct flow *f = state;
  bp_str id = {NULL, 0};
  f->http->param(request, BP_LIT("id"), &id);
  const bp_db_value values[] = {db_text(id)};
  const bp_db_query query = {.size = sizeof(query), .statement = GET_MESSAGE, .max_rows = 1, .params = BP_ARRAY(values)};
  struct call *call = call_new(f, request, "message", "Message not found");
  if (call)
    kit_call_read(call, &query, 1, call_answer_row);
}

/* ---- Posting ---- */

void message_steps(bp_db_step steps[3], bp_db_value values[5], const bp_db_value *session_id) {
  steps[0] = db_exec(ADD_MESSAGE, values, 5);
  steps[0].expect = BP_DB_ONE;
  steps[1] = db_exec(TOUCH_SESSION, session_id, 1);
  steps[2] = db_publish(BP_LIT("flow.message"), bp_str_make(NULL, 0), 0);
}

void message_tell(const struct flow *f, int64_t session_id, bp_str message) {
  char name[64], room[48];
  bp_json_writer out = 0;
  if (f->live->listeners(BP_LIT("flow.socket")) == 0 || f->json->writer_new(f->self, &out) != BP_OK)
    return;
  snprintf(name, sizeof(name), "agent:%lld:message", (long long)session_id);
  snprintf(room, sizeof(room), "agent:%lld", (long long)session_id);
  f->json->object_begin(out);
  json_text_member(f->json, out, BP_LIT("family"), BP_LIT("desktop"));
  json_text_member(f->json, out, BP_LIT("event"), str_z(name));
  json_text_member(f->json, out, BP_LIT("room"), str_z(room));
  f->json->key(out, BP_LIT("args"));
  f->json->array_begin(out);
  f->json->put_raw(out, message);
  f->json->array_end(out);
  f->json->object_end(out);
  struct kit_text payload = kit_text_of_writer(f->json, out);
  if (payload.ptr)
    f->live->publish(f->self, BP_LIT("flow.socket"), str_z(room), kit_text_str(&payload));
  kit_text_free(&payload);
}

static void posted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct flow *f = call->module;
  struct kit_text prompt = call->prompt;
  int64_t session_id = call->session_id;
  call->prompt = (struct kit_text){NULL, 0};
  if (outcome->status == BP_E_EXISTS) {
    kit_call_problem(call, 400, BP_LIT("Message with this ID already exists"));
  } else if (outcome->status == BP_E_CONFLICT) {
    kit_call_problem(call, 404, BP_LIT(NO_SESSION));
  } else {
    if (outcome->status == BP_OK)
      message_tell(f, session_id, db_column(f->db, outcome, 0, 0, 0));
    call_answer_row(call, outcome);
    if (outcome->status == BP_OK && prompt.ptr)
      turn_ask(f, session_id, kit_text_str(&prompt));
  }
  kit_text_free(&prompt);
}

static struct kit_text tool_results(const struct flow *f, bp_json body) {
  bp_json value = 0;
  bp_json_writer out = 0;
  if (!field_is_given(f, body, "toolResults") || f->json->get(body, BP_LIT("toolResults"), &value) != BP_OK)
    return (struct kit_text){NULL, 0};
  if (f->json->writer_new(f->self, &out) != BP_OK)
    return (struct kit_text){NULL, 0};
  f->json->put_value(out, value);
  return kit_text_of_writer(f->json, out);
}

/* An empty text and 0 are no session, as in the original. */
static bool names_session(const struct flow *f, bp_json facts) {
  bp_json value = 0;
  int64_t number = 1;
  if (!field_is_given(f, facts, "session_id") || f->json->get(facts, BP_LIT("session_id"), &value) != BP_OK)
    return false;
  if (f->json->type(value) == BP_JSON_STRING)
    return field_text(f, facts, "session_id").len > 0;
  f->json->integer(value, &number);
  return number != 0;
}

/* NULL, or the sentence that says what is wrong. */
static const char *check(const struct flow *f, bp_json facts, bp_json body) {
  bp_json value = 0;
  if (!names_session(f, facts) || !field_text(f, facts, "role").ptr || !field_text(f, body, "content").ptr)
    return "sessionId, role, and content are required";
  if (field_is_given(f, body, "id") && !field_text(f, body, "id").ptr)
    return "id must be a string that is not empty";
  if (field_text(f, body, "id").len > 200 || field_text(f, facts, "role").len > 100)
    return "id may be 200 bytes long, role 100";
  if (field_is_given(f, body, "toolResults") && f->json->get(body, BP_LIT("toolResults"), &value) == BP_OK && f->json->type(value) != BP_JSON_ARRAY)
    return "toolResults must be an array";
  return NULL;
}

void messages_create(void *state, bp_request request) {
  struct flow *f = state;
  bp_json facts = 0, body = 0;
  f->http->facts(request, &facts);
  f->http->body(request, &body);
  const char *fault = check(f, facts, body);
  if (fault) {
    kit_problem(f->http, request, 400, str_z(fault));
    return;
  }
  bp_str id = field_text(f, body, "id"), content = field_text(f, body, "content"), role = field_text(f, facts, "role");
  struct kit_text results = tool_results(f, body);
  bool is_too_large = content.len + kit_text_str(&results).len > MESSAGE_BYTES;
  struct call *call = is_too_large ? NULL : call_with_session(f, request, "message", field_id(f, facts, "session_id"));
  if (is_too_large)
    kit_problem(f->http, request, 400, BP_LIT("content and toolResults may be 16 MiB long"));
  if (!call) {
    kit_text_free(&results);
    return;
  }
  kit_uuid(f->core, call->message_id);
  if (kit_same(role, "user"))
    call->prompt = kit_text_copy(content);
  bp_db_value values[5] = {id.ptr ? db_text(id) : db_text(str_z(call->message_id)), db_integer(call->session_id), db_text(role), db_text(content),
                           db_text(kit_text_str(&results))};
  bp_db_step steps[3];
  message_steps(steps, values, &values[1]);
  bp_status status = f->db->write(f->self, (bp_array){steps, 3, sizeof(steps[0])}, posted, call);
  kit_text_free(&results);
  if (status == BP_OK)
    return;
  kit_text_free(&call->prompt);
  kit_call_refuse(call, status, NULL);
}
