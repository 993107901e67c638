/* Sessions: the table of open ones, how they look, and how they end. Opening one is in session_open.c. */
#include "gateway.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_ENDED_MS (INT64_C(90) * 24 * 3600 * 1000)

struct session *session_find(struct gateway *gw, bp_str id) {
  for (struct session *session = gw->sessions; session; session = session->next)
    if (kit_same(id, session->id))
      return session;
  return NULL;
}

struct session *session_of(struct process *process, bp_str acp_id) {
  for (struct session *session = process->gw->sessions; session; session = session->next)
    if (session->process == process && kit_same(acp_id, session->acp_id))
      return session;
  return NULL;
}

struct session *session_ref(struct session *session) {
  session->references++;
  return session;
}

void session_unref(struct session *session) {
  if (--session->references > 0)
    return;
  free(session->cwd);
  free(session->title);
  free(session->parent);
  free(session->timeline_root);
  if (session->env_json)
    explicit_bzero(session->env_json, strlen(session->env_json));
  free(session->env_json);
  free(session->mcp_json);
  free(session->modes);
  free(session->config_options);
  free(session->commands);
  free(session->plan);
  free(session->usage);
  free(session);
}

void session_touch(struct session *session) {
  session->activity_ms = now_ms(session->gw);
}

const char *session_status(const struct session *session) {
  if (session->is_closed)
    return "ended";
  return session->turn ? "processing" : session->process ? "active" : "idle";
}

void session_write(const struct session *session, bp_json_writer w) {
  const struct gateway *gw = session->gw;
  char time[KIT_TIME_BYTES], active[KIT_TIME_BYTES];
  bp_str none = {NULL, 0};
  gw->json->object_begin(w);
  put_text(gw, w, "id", str_z(session->id));
  put_text(gw, w, "agentId", str_z(session->agent->id));
  put_text(gw, w, "status", str_z(session_status(session)));
  put_text(gw, w, "createdAt", time_text(session->created_ms, time));
  put_text(gw, w, "lastActivity", time_text(session->activity_ms, active));
  put_text(gw, w, "acpSessionId", str_z(session->acp_id));
  put_text(gw, w, "workingDirectory", str_z(session->cwd));
  put_text_or_null(gw, w, "title", session->title ? str_z(session->title) : none);
  put_raw_or_null(gw, w, "modes", session->modes);
  put_raw_or_null(gw, w, "configOptions", session->config_options);
  put_raw_or_null(gw, w, "availableCommands", session->commands);
  put_raw_or_null(gw, w, "plan", session->plan);
  put_raw_or_null(gw, w, "usage", session->usage);
  gw->json->object_end(w);
}

static void replace(char **member, char *text) {
  if (!text)
    return;
  free(*member);
  *member = text;
}

void session_keep_state(struct session *session, bp_json result) {
  const struct gateway *gw = session->gw;
  replace(&session->modes, json_copy(gw, get_value(gw, result, "modes")));
  replace(&session->config_options, json_copy(gw, get_value(gw, result, "configOptions")));
}

static void store_status(struct session *session, const char *status, published_fn done, void *ctx) {
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(str_z(status)), db_integer(now_ms(session->gw))};
  const bp_db_step step = db_exec(SET_SESSION, values, 3);
  store_steps(session->gw, &step, 1, done, ctx);
}

/* ---- Ends ---- */

void session_detach(struct session *session, const char *why) {
  struct process *process = session->process;
  session->process = NULL;
  terminals_end(session);
  permissions_cancel(session);
  if (session->turn)
    turn_end(session, session->turn->is_cancelled ? "cancelled" : "error", why);
  if (process)
    process_unref(process);
}

static void ignore_answer(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  (void)ctx;
  (void)process;
  (void)result;
  (void)code;
  (void)message;
}

static void close_at_agent(struct session *session) {
  struct gateway *gw = session->gw;
  bp_json_writer w = session->process && session->process->proc && session->process->can_close ? writer(gw) : 0;
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", str_z(session->acp_id));
  gw->json->object_end(w);
  rpc_request(session->process, "session/close", w, ignore_answer, NULL);
}

static void unlink_session(struct session *session) {
  for (struct session **link = &session->gw->sessions; *link; link = &(*link)->next)
    if (*link == session) {
      *link = session->next;
      return;
    }
}

/* `stored` (may be NULL) runs when the end is in the store. */
static void close_session(struct session *session, const char *status, published_fn stored, void *ctx) {
  struct gateway *gw = session->gw;
  struct process *process = session->process;
  if (session->is_closed)
    return;
  session->is_closed = true;
  if (process)
    process_ref(process);
  turn_cancel(session);
  close_at_agent(session);
  session_detach(session, "the session was closed");
  unlink_session(session);
  gw->fs->root_close(session->root);
  if (!gw->is_draining || stored)
    store_status(session, status, stored, ctx);
  if (!gw->is_draining)
    timeline_session(session, "done");
  if (process && process->env_key && process->proc && process_sessions(process) == 0)
    process_stop(process);
  if (process)
    process_unref(process);
  session_unref(session); /* the table's */
}

void session_close(struct session *session, const char *status) {
  close_session(session, status, NULL, NULL);
}

void sessions_free(struct gateway *gw) {
  while (gw->sessions)
    session_close(gw->sessions, "idle");
}

void sessions_sweep(struct gateway *gw) {
  int64_t now = now_ms(gw);
  for (struct session *session = gw->sessions; session;) {
    struct session *next = session->next;
    if (session->turn && now - session->turn->started_ms > gw->turn_limit_ms && !session->turn->is_cancelled) {
      event_error(gw, session, "the turn took too long and is cancelled");
      turn_cancel(session);
    } else if (!session->turn && !session->is_attaching && now - session->activity_ms > gw->idle_ms) {
      session_close(session, "ended");
    }
    session = next;
  }
  const bp_db_value oldest = db_integer(now - KEEP_ENDED_MS);
  static int64_t trimmed_ms;
  if (now - trimmed_ms > INT64_C(3600000)) {
    trimmed_ms = now;
    store_run(gw, TRIM_SESSIONS, &oldest, 1);
  }
}

/* ---- Operations ---- */

static bool find(struct call *call) {
  call->session = session_find(call->gw, call->path_id);
  if (!call->session)
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Session not found");
  return call->session != NULL;
}

static void on_stored(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status == BP_OK && call->gw->db->rows(outcome->result, 0) == 1)
    call_answer_raw(call, db_column(call->gw->db, outcome, 0, 0, 0));
  else
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Session not found");
  call_free(call);
}

void op_session_get(struct call *call) {
  const struct gateway *gw = call->gw;
  const struct session *session = session_find(call->gw, call->path_id);
  if (session) {
    bp_json_writer w = writer(gw);
    if (w)
      session_write(session, w);
    call_answer(call, w);
    return;
  }
  const bp_db_value id = db_text(call->path_id);
  const bp_db_query query = {.size = sizeof(query), .statement = SESSION_BY_ID, .max_rows = 1, .params = {&id, 1, (uint32_t)sizeof(id)}};
  const bp_array queries = {&query, 1, (uint32_t)sizeof(query)};
  struct call *later = call_copy(call);
  if (later && gw->db->read(gw->self, queries, 0, on_stored, later) == BP_OK)
    return;
  call_fail(call, 503, BP_E_BUSY, "", "the store is busy");
  call_free(later);
}

static void on_closed(void *ctx, bp_status status) {
  struct call *call = ctx;
  const struct gateway *gw = call->gw;
  bp_json_writer w = status == BP_OK ? writer(gw) : 0;
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(call->text1));
    put_text(gw, w, "status", BP_LIT("ended"));
    gw->json->object_end(w);
    call_answer(call, w);
  } else {
    call_fail(call, 503, status, "", "The session is closed, but that could not be stored");
  }
  call_free(call);
}

void op_session_close(struct call *call) {
  if (!find(call))
    return;
  struct session *session = call->session;
  struct call *later = call_copy(call);
  call->session = NULL;
  if (later) {
    later->session = NULL;
    later->text1 = str_dup(str_z(session->id));
  }
  if (later && later->text1) {
    close_session(session, "ended", on_closed, later);
    return;
  }
  session_close(session, "ended");
  call_fail(call, 503, BP_E_NO_MEMORY, "", "out of memory");
  call_free(later);
}

void op_sessions(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    gw->json->key(w, BP_LIT("sessions"));
    gw->json->array_begin(w);
    for (const struct session *session = gw->sessions; session; session = session->next)
      session_write(session, w);
    gw->json->array_end(w);
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

/* ---- Modes and options ---- */

static void on_changed(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  struct call *call = ctx;
  (void)process;
  char text[256] = {0};
  memcpy(text, message.ptr, message.len < sizeof(text) ? message.len : sizeof(text) - 1);
  if (!result) {
    call_fail(call, code == RPC_INVALID ? 400 : 500, BP_E_INVALID, "", text);
  } else {
    session_keep_state(call->session, result);
    bp_json_writer w = writer(call->gw);
    if (w)
      session_write(call->session, w);
    call_answer(call, w);
  }
  call_free(call);
}

static void change(struct call *call, const char *method, bp_json_writer params) {
  struct call *later = call_copy(call);
  if (!later) {
    call->gw->json->writer_free(params);
    call_fail(call, 503, BP_E_NO_MEMORY, "", "out of memory");
    return;
  }
  session_ref(later->session);
  rpc_request(call->session->process, method, params, on_changed, later);
}

static bool can_change(struct call *call) {
  if (!find(call))
    return false;
  session_touch(call->session);
  if (!call->session->process)
    call_fail(call, 409, BP_E_STATE, "", "The session's agent is not running: send a prompt first");
  return call->session->process != NULL;
}

void op_session_mode(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_str mode = {NULL, 0};
  if (!can_change(call))
    return;
  bp_json_writer w = get_text(gw, call->args, "modeId", &mode) ? writer(gw) : 0;
  if (!w) {
    call_fail(call, 400, BP_E_INVALID, "", "modeId is required");
    return;
  }
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", str_z(call->session->acp_id));
  put_text(gw, w, "modeId", mode);
  gw->json->object_end(w);
  change(call, "session/set_mode", w);
}

void op_session_option(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_str option = {NULL, 0};
  if (!can_change(call))
    return;
  bp_json value = get_value(gw, call->args, "value");
  bp_json_writer w = get_text(gw, call->args, "configId", &option) && value ? writer(gw) : 0;
  if (!w) {
    call_fail(call, 400, BP_E_INVALID, "", "configId and value are required");
    return;
  }
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", str_z(call->session->acp_id));
  put_text(gw, w, "configId", option);
  if (gw->json->type(value) == BP_JSON_TRUE || gw->json->type(value) == BP_JSON_FALSE)
    put_text(gw, w, "type", BP_LIT("boolean"));
  gw->json->key(w, BP_LIT("value"));
  gw->json->put_value(w, value);
  gw->json->object_end(w);
  change(call, "session/set_config_option", w);
}
