/* Sessions: listing, making, reading, renaming, archiving, deleting. */
#include "flow.h"
#include "statements.h"

#include <stdlib.h>

#define NOT_FOUND "Session not found"
#define LIST_DEFAULT 50

#define STEP(number, values)                                                                                                                         \
  { .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = (number), .params = BP_ARRAY(values) }
#define TELL(name)                                                                                                                                   \
  { .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .flags = BP_DB_IF_CHANGED, .topic = BP_STR("flow." name) }

void sessions_list(void *state, bp_request request) {
  struct flow *f = state;
  bp_str text = {NULL, 0}, user = {NULL, 0};
  struct call *call = call_new(f, request, "sessions", NOT_FOUND);
  if (!call)
    return;
  f->http->param(request, BP_LIT("limit"), &text);
  f->http->param(request, BP_LIT("userId"), &user);
  int64_t limit = id_of_text(text);
  const bp_db_value values[] = {db_integer(limit == 0              ? LIST_DEFAULT
                                           : limit > SESSIONS_MOST ? SESSIONS_MOST
                                                                   : limit),
                                db_text(user.len ? user : bp_str_make(NULL, 0))};
  const bp_db_query query = {.size = sizeof(query), .statement = LIST_SESSIONS, .max_rows = SESSIONS_MOST, .params = BP_ARRAY(values)};
  kit_call_read(call, &query, 1, call_answer_rows);
}

void sessions_create(void *state, bp_request request) {
  struct flow *f = state;
  bp_json facts = 0;
  f->http->facts(request, &facts);
  bp_str prompt = field_text(f, facts, "prompt");
  if (!prompt.ptr)
    prompt = field_text(f, facts, "title");
  if (!prompt.ptr) {
    kit_problem(f->http, request, 400, BP_LIT("Prompt or title is required"));
    return;
  }
  struct call *call = call_new(f, request, "session", NOT_FOUND);
  if (!call)
    return;
  const bp_db_value values[] = {db_text(prompt), db_text(field_text(f, facts, "user_id"))};
  const bp_db_step steps[] = {STEP(ADD_SESSION, values), TELL("created")};
  kit_call_write(call, steps, 2, call_answer_row);
}

void sessions_get(void *state, bp_request request) {
  struct flow *f = state;
  const bp_db_value values[] = {db_integer(path_id(f, request))};
  const bp_db_query query = {.size = sizeof(query), .statement = GET_SESSION, .max_rows = 1, .params = BP_ARRAY(values)};
  struct call *call = call_new(f, request, "session", NOT_FOUND);
  if (call)
    kit_call_read(call, &query, 1, call_answer_row);
}

/* ---- Changes, answered with a sentence ---- */

static bool is_absent(struct call *call, const bp_db_outcome *outcome) {
  if (kit_call_failed(call, outcome))
    return true;
  if (call->kit.db->rows(outcome->result, 0) > 0)
    return false;
  kit_call_problem(call, 404, BP_LIT(NOT_FOUND));
  return true;
}

static void updated(void *ctx, const bp_db_outcome *outcome) {
  if (!is_absent(ctx, outcome))
    call_answer_message(ctx, BP_LIT("Session updated"));
}

void sessions_update(void *state, bp_request request) {
  struct flow *f = state;
  bp_json facts = 0;
  f->http->facts(request, &facts);
  bp_str title = field_text(f, facts, "title");
  if (!title.ptr && field_is_given(f, facts, "title")) {
    kit_problem(f->http, request, 400, BP_LIT("title must be a string that is not empty"));
    return;
  }
  struct call *call = call_new(f, request, "session", NOT_FOUND);
  if (!call)
    return;
  const bp_db_value values[] = {db_integer(path_id(f, request)), db_text(title)};
  const bp_db_step steps[] = {STEP(UPDATE_SESSION, values), TELL("updated")};
  kit_call_write(call, steps, 2, updated);
}

static void archived(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (is_absent(call, outcome))
    return;
  turn_forget(call->module, call->session_id);
  call_answer_message(call, BP_LIT("Session archived"));
}

/* Runs one statement on the session of the path and publishes what it returns. */
static void change(struct flow *f, bp_request request, uint32_t statement, bp_str topic, bp_db_done_fn done) {
  struct call *call = call_new(f, request, "session", NOT_FOUND);
  if (!call)
    return;
  call->session_id = path_id(f, request);
  const bp_db_value id = db_integer(call->session_id);
  const bp_db_step steps[] = {db_exec(statement, &id, 1), db_publish(topic, bp_str_make(NULL, 0), 0)};
  kit_call_write(call, steps, 2, done);
}

void sessions_archive(void *state, bp_request request) {
  change(state, request, ARCHIVE_SESSION, BP_LIT("flow.updated"), archived);
}

/* One that is not there is deleted as well as one that was: the original answers so. */
static void deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (kit_call_failed(call, outcome))
    return;
  turn_forget(call->module, call->session_id);
  call_answer_message(call, BP_LIT("Session deleted"));
}

void sessions_delete(void *state, bp_request request) {
  change(state, request, DELETE_SESSION, BP_LIT("flow.deleted"), deleted);
}
