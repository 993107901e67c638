/* Prompts: stored first, then sent; answered at once, because the end of the turn comes by the session's events. */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_MS 400 /* in which a gateway that cannot be reached is still told to the client */
#define PROMPT_MOST (4u << 20)

static void on_status_stored(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  (void)outcome;
  call->run(call);
}

/* `answer` runs when the status is stored, so that who is answered reads it. */
static void set_status(struct call *call, const char *status, call_fn answer) {
  const bp_db_value values[] = {db_text(str_z(call->session.id)), db_text(str_z(status))};
  const bp_db_step steps[] = {
      db_exec(SET_STATUS, values, 2),
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("acp.session"), .payload_step = 0},
  };
  call->run = answer;
  if (call->m->db->write(call->m->self, (bp_array)BP_ARRAY(steps), on_status_stored, call) != BP_OK)
    answer(call);
}

/* ---- A gateway that refuses ---- */

static void answer_error(struct call *call) {
  call_problem(call, 500, "", call->kept2.ptr ? call->kept2.ptr : "out of memory");
}

static void fail(struct call *call, const char *error) {
  if (call->timer)
    call->m->loop->timer_cancel(call->timer);
  call->timer = 0;
  kit_text_free(&call->kept2);
  call->kept2 = text_copy(str_z(error));
  set_status(call, "error", answer_error);
}

/* ---- Sending ---- */

static void answer_processing(struct call *call) {
  const struct acp *m = call->m;
  bp_json_writer w = call->is_answered ? 0 : writer(m);
  if (call->is_answered)
    return;
  call->is_answered = true;
  if (!w) {
    m->http->reply_failure(call->request, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_flag(m, w, "success", true);
  m->json->key(w, BP_LIT("data"));
  m->json->object_begin(w);
  put_text(m, w, "id", str_z(call->session.id));
  put_text(m, w, "status", BP_LIT("processing"));
  m->json->object_end(w);
  m->json->object_end(w);
  m->http->reply_json(call->request, 200, w);
  m->json->writer_free(w);
}

static void on_grace(void *ctx, bp_timer timer) {
  struct call *call = ctx;
  (void)timer;
  call->timer = 0;
  answer_processing(call);
}

static void on_prompted(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  (void)whole;
  if (data) {
    answer_processing(call);
    intake_prompt_done(call->m, call->session.id, NULL);
    call_free(call);
    return;
  }
  intake_prompt_done(call->m, call->session.id, error);
  fail(call, error);
}

static void send_prompt(void *ctx) {
  struct call *call = ctx;
  struct acp *m = call->m;
  m->loop->timer(m->self, GRACE_MS, 0, on_grace, call, &call->timer);
  call_upstream(call, UP_PROMPT, str_z(call->session.acp_id), kit_text_str(&call->kept), on_prompted);
}

static void on_kept(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct acp *m = call->m;
  char url[URL_BYTES];
  const char *fault = NULL;
  if (outcome->status == BP_E_CONFLICT) {
    call_problem(call, 400, "", "Session has ended");
    return;
  }
  if (call_failed(call, outcome))
    return;
  if (!upstream_of(m, &call->project, url, &fault)) {
    fail(call, fault);
    return;
  }
  struct watched *w = watch(m, call->session.id, call->project.id, call->session.acp_id, url);
  if (w)
    w->in_turn = true;
  if (w)
    watch_ready(w, send_prompt, call);
  else
    send_prompt(call);
}

/* The text, or the blocks as they are. */
static bool read_prompt(struct call *call, bp_str *ret_text) {
  struct acp *m = call->m;
  bp_json prompt = get_value(m, call->body, "prompt");
  if (!prompt)
    prompt = get_value(m, call->body, "text");
  if (!prompt)
    return false;
  if (m->json->type(prompt) == BP_JSON_ARRAY && m->json->count(prompt) > 0) {
    call->kept2 = json_copy(m, prompt);
    *ret_text = kit_text_str(&call->kept2);
  } else if (m->json->string(prompt, ret_text) != BP_OK || ret_text->len == 0) {
    return false;
  }
  bp_json_writer w = writer(m);
  if (!w)
    return false;
  m->json->object_begin(w);
  m->json->key(w, BP_LIT("prompt"));
  m->json->put_value(w, prompt);
  m->json->object_end(w);
  call->kept = kit_text_of_writer(m->json, w);
  return call->kept.ptr != NULL;
}

void run_prompt(struct call *call) {
  char id[ID_BYTES];
  bp_str text = {NULL, 0};
  if (strcmp(call->session.status, "ended") == 0) {
    call_problem(call, 400, "", "Session has ended");
    return;
  }
  if (!read_prompt(call, &text)) {
    call_problem(call, 400, "", "Prompt is required");
    return;
  }
  if (text.len > PROMPT_MOST) {
    call_problem(call, 413, "", "prompt is longer than 4 MiB");
    return;
  }
  nano_id(call->m, id);
  const bp_db_value message[] = {db_text(str_z(id)), db_text(str_z(call->session.id)), db_text(BP_LIT("user")), db_text(text)};
  const bp_db_value count[] = {db_text(str_z(call->session.id)), db_text(BP_LIT("processing")), db_integer((int64_t)call->m->live->sequence())};
  bp_db_step steps[] = {
      db_exec(ADD_MESSAGE, message, 4),
      db_exec(COUNT_MESSAGE, count, 3),
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("acp.message"), .payload_step = 0},
  };
  steps[0].expect = BP_DB_ONE;
  steps[1].expect = BP_DB_ONE;
  call_write(call, steps, 3, on_kept);
}

/* ---- Cancelling ---- */

/* The gateway's body as it is, with 200 even for a failure. */
static void answer_cancelled(struct call *call) {
  call_text(call, 200, kit_text_str(&call->kept));
}

static struct kit_text failure_text(const struct acp *m, const char *error) {
  bp_json_writer w = writer(m);
  if (!w)
    return (struct kit_text){NULL, 0};
  m->json->object_begin(w);
  put_flag(m, w, "success", false);
  put_text(m, w, "error", str_z(error));
  m->json->object_end(w);
  return kit_text_of_writer(m->json, w);
}

static void on_cancelled(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  (void)data;
  call->kept = whole.len ? kit_text_copy(whole) : failure_text(call->m, error);
  if (call->kept.ptr)
    set_status(call, "idle", answer_cancelled);
  else
    call_refuse(call, BP_E_NO_MEMORY, NULL);
}

void run_cancel(struct call *call) {
  call_upstream(call, UP_CANCEL, str_z(call->session.acp_id), bp_str_make(NULL, 0), on_cancelled);
}
