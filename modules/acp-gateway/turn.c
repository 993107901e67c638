/* Turns: a prompt goes to the agent, updates follow, and the answer to session/prompt ends it. One turn a session at a time. */
#include "gateway.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT_MAX (4u << 20)

struct prompting {
  struct session *session;
  char turn_id[ID_BYTES];
  char *blocks; /* JSON: the prompt as content blocks */
};

static void prompting_free(struct prompting *p) {
  session_unref(p->session);
  free(p->blocks);
  free(p);
}

static bool is_current(const struct prompting *p) {
  return p->session->turn && strcmp(p->session->turn->id, p->turn_id) == 0;
}

/* ---- The end ---- */

struct ending {
  struct gateway *gw;
  struct call *call;
  char *reason, *error, *text, *usage;
  char id[ID_BYTES];
};

static void answer_service(const struct ending *e) {
  const struct gateway *gw = e->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "stopReason", str_z(e->reason));
    put_text(gw, w, "text", str_z(e->text ? e->text : ""));
    if (e->usage)
      put_raw_or_null(gw, w, "usage", e->usage);
    gw->json->object_end(w);
  }
  call_answer(e->call, w);
}

static void answer_request(const struct ending *e) {
  const struct gateway *gw = e->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(e->id));
    put_text(gw, w, "status", BP_LIT("processing"));
    put_text(gw, w, "stopReason", str_z(e->reason));
    gw->json->object_end(w);
  }
  call_answer(e->call, w);
}

static void on_end_published(void *ctx, bp_status status) {
  struct ending *e = ctx;
  (void)status;
  if (e->call && e->error)
    call_fail(e->call, 500, BP_E_IO, "", e->error);
  else if (e->call && e->call->service)
    answer_service(e);
  else if (e->call)
    answer_request(e);
  call_free(e->call);
  free(e->reason);
  free(e->error);
  free(e->text);
  free(e->usage);
  free(e);
}

static void turn_free(struct turn *turn) {
  call_free(turn->call);
  kit_buf_free(&turn->said);
  kit_buf_free(&turn->passage);
  kit_buf_free(&turn->thought);
  free(turn->usage);
  free(turn);
}

static bp_json_writer end_data(const struct gateway *gw, bp_str session, const char *reason, const char *error) {
  bp_json_writer w = writer(gw);
  if (!w)
    return 0;
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", session);
  put_text(gw, w, "reason", str_z(reason));
  if (error)
    put_text(gw, w, "error", str_z(error));
  gw->json->object_end(w);
  return w;
}

void turn_tell_interrupted(struct gateway *gw, bp_str session, bp_str agent) {
  const bp_db_value values[] = {db_text(session), db_text(BP_LIT("active")), db_integer(now_ms(gw))};
  const bp_db_step ended = db_exec(SET_SESSION, values, 3);
  event_publish_with(gw, "session_end_turn", session, agent, end_data(gw, session, "error", "the host ended during the turn"), &ended, NULL, NULL);
}

void turn_end(struct session *session, const char *reason, const char *error) {
  struct gateway *gw = session->gw;
  struct turn *turn = session->turn;
  struct ending *e = calloc(1, sizeof(*e));
  permissions_cancel(session); /* what its agent asked in it and did not wait for */
  transcript_flush(session);
  timeline_turn(session, turn->is_cancelled ? "cancelled" : error ? "failed" : "done");
  session->turn = NULL;
  session_touch(session);
  if (e) {
    *e = (struct ending){.gw = gw,
                         .call = turn->call,
                         .reason = str_dup(str_z(reason)),
                         .error = error && !turn->is_cancelled ? str_dup(str_z(error)) : NULL,
                         .text = str_dup(kit_buf_str(&turn->said)),
                         .usage = turn->usage};
    memcpy(e->id, session->id, sizeof(e->id));
    turn->call = NULL;
    turn->usage = NULL;
  }
  bp_json_writer w = end_data(gw, str_z(session->id), reason, turn->is_cancelled ? NULL : error);
  turn_free(turn);
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(BP_LIT("active")), db_integer(now_ms(gw))};
  const bp_db_step ended = db_exec(SET_SESSION, values, 3);
  event_publish_with(gw, "session_end_turn", str_z(session->id), str_z(session->agent->id), w, &ended, e ? on_end_published : NULL, e);
}

static void on_answer(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  struct prompting *p = ctx;
  struct gateway *gw = p->session->gw;
  bp_str reason = BP_STR("end_turn");
  char text[512];
  (void)process;
  (void)code;
  if (is_current(p) && code != RPC_GONE) { /* where the agent has ended, the session is detached next, and says why */
    bp_json usage = get_value(gw, result, "usage");
    if (usage) {
      free(p->session->turn->usage);
      p->session->turn->usage = json_copy(gw, usage);
    }
    get_text(gw, result, "stopReason", &reason);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(result ? reason.len : message.len), result ? reason.ptr : message.ptr);
    if (result)
      turn_end(p->session, text, NULL);
    else
      turn_end(p->session, p->session->turn->is_cancelled ? "cancelled" : "error", text);
  } else if (is_current(p) && p->session->process && p->session->process->proc) {
    turn_end(p->session, "error", "the agent answers too slowly");
  }
  prompting_free(p);
}

/* ---- The beginning ---- */

static void send_prompt(struct prompting *p) {
  struct session *session = p->session;
  struct gateway *gw = session->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "sessionId", str_z(session->acp_id));
    gw->json->key(w, BP_LIT("prompt"));
    gw->json->put_raw(w, str_z(p->blocks));
    gw->json->object_end(w);
  }
  rpc_request(session->process, "session/prompt", w, on_answer, p);
}

static void on_attached(void *ctx, const char *error) {
  struct prompting *p = ctx;
  if (error || !is_current(p) || p->session->turn->is_cancelled) {
    if (is_current(p))
      turn_end(p->session, error ? "error" : "cancelled", error);
    prompting_free(p);
    return;
  }
  send_prompt(p);
}

/* A text becomes one block; a list is taken as blocks. NULL: neither. */
static char *blocks_of(const struct gateway *gw, bp_json args, bp_str *ret_text) {
  bp_json prompt = get_value(gw, args, "prompt");
  if (!prompt)
    prompt = get_value(gw, args, "text");
  if (prompt && gw->json->type(prompt) == BP_JSON_ARRAY && gw->json->count(prompt) > 0)
    return json_copy(gw, prompt);
  if (!prompt || gw->json->string(prompt, ret_text) != BP_OK || ret_text->len == 0)
    return NULL;
  bp_json_writer w = writer(gw);
  bp_str text = {NULL, 0};
  if (!w)
    return NULL;
  gw->json->array_begin(w);
  gw->json->object_begin(w);
  put_text(gw, w, "type", BP_LIT("text"));
  put_text(gw, w, "text", *ret_text);
  gw->json->object_end(w);
  gw->json->array_end(w);
  char *copy = gw->json->writer_text(w, &text, NULL) == BP_OK ? str_dup(text) : NULL;
  gw->json->writer_free(w);
  return copy;
}

static bool begin(struct call *call, struct session *session) {
  struct turn *turn = calloc(1, sizeof(*turn));
  if (turn)
    turn->call = call_copy(call);
  if (!turn || !turn->call) {
    free(turn);
    return false;
  }
  turn->started_ms = now_ms(call->gw);
  random_id(call->gw, "turn-", turn->id);
  session->turn = turn;
  session_touch(session);
  timeline_turn(session, "running");
  return true;
}

void op_prompt(struct call *call) {
  struct gateway *gw = call->gw;
  struct session *session = session_find(gw, call->path_id);
  bp_str text = {NULL, 0};
  if (!session) {
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Session not found");
    return;
  }
  char *blocks = blocks_of(gw, call->args, &text);
  if (!blocks || strlen(blocks) > PROMPT_MAX) {
    call_fail(call, 400, BP_E_INVALID, "", blocks ? "prompt is longer than 4 MiB" : "Prompt is required");
    free(blocks);
    return;
  }
  struct prompting *p = session->turn ? NULL : calloc(1, sizeof(*p));
  if (!p || !begin(call, session)) {
    call_fail(call, session->turn ? 409 : 503, BP_E_BUSY, "", session->turn ? "A turn is in flight: cancel it or wait for its end" : "out of memory");
    free(p);
    free(blocks);
    return;
  }
  *p = (struct prompting){.session = session_ref(session), .blocks = blocks};
  memcpy(p->turn_id, session->turn->id, sizeof(p->turn_id));
  transcript_add(session, "user", text.ptr ? text : str_z(blocks));
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(BP_LIT("processing")), db_integer(now_ms(gw))};
  store_run(gw, SET_SESSION, values, 3);
  if (session->process && session->process->proc)
    send_prompt(p);
  else
    session_attach(session, on_attached, p);
}

/* ---- Cancelling ---- */

void turn_cancel(struct session *session) {
  struct gateway *gw = session->gw;
  if (!session->turn)
    return;
  session->turn->is_cancelled = true;
  bp_json_writer w = session->process && session->process->proc ? writer(gw) : 0;
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "sessionId", str_z(session->acp_id));
    gw->json->object_end(w);
    rpc_notify(session->process, "session/cancel", w);
  }
  permissions_cancel(session);
}

void op_cancel(struct call *call) {
  const struct gateway *gw = call->gw;
  struct session *session = session_find(call->gw, call->path_id);
  if (!session) {
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Session not found");
    return;
  }
  turn_cancel(session);
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(session->id));
    put_text(gw, w, "status", BP_LIT("idle"));
    gw->json->object_end(w);
  }
  call_answer(call, w);
}
