/* Sessions: opening one at the gateway, listing, reading with messages, ending; and answers to permissions. */
#include "acp.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMOTE_FOLDER "/workspace"
#define STEP(number, values)                                                                                                                         \
  { .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = (number), .params = BP_ARRAY(values) }
#define TELL(step)                                                                                                                                   \
  { .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("acp.session"), .payload_step = (step) }

/* ---- Opening ---- */

static void on_added(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  char url[URL_BYTES];
  const char *fault;
  if (call_failed(call, outcome))
    return;
  upstream_of(call->m, &call->project, url, &fault);
  watch(call->m, call->session.id, call->project.id, call->session.acp_id, url);
  call_data_text(call, db_column(call->m->db, outcome, 0, 0, 0));
}

static void on_opened(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  struct acp *m = call->m;
  char url[URL_BYTES];
  const char *fault;
  bp_str acp_id = {NULL, 0}, title = {NULL, 0};
  (void)whole;
  if (!data || !get_text(m, data, "id", &acp_id) || acp_id.len == 0 || acp_id.len >= NAME_BYTES) {
    call_problem(call, 500, "", data ? "Gateway request failed: the session has no usable id" : error);
    return;
  }
  upstream_of(m, &call->project, url, &fault);
  copy_name(call->session.acp_id, NAME_BYTES, acp_id);
  nano_id(m, call->session.id);
  get_text(m, call->body, "title", &title);
  const bp_db_value values[] = {db_text(str_z(call->session.id)),
                                db_text(str_z(call->project.id)),
                                db_text(str_z(call->agent)),
                                db_text(acp_id),
                                title.len ? db_text(title) : db_null(),
                                call->kept.ptr ? db_text(kit_text_str(&call->kept)) : db_null(),
                                db_text(str_z(url)),
                                db_integer((int64_t)m->live->sequence())};
  const bp_db_step steps[] = {STEP(ADD_SESSION, values), TELL(0)};
  call_write(call, steps, 2, on_added);
}

static void open_at_gateway(struct call *call) {
  struct acp *m = call->m;
  char url[URL_BYTES];
  const char *fault = NULL;
  bp_str text = {NULL, 0};
  bp_json_writer w = writer(m);
  if (!w || !upstream_of(m, &call->project, url, &fault)) {
    if (w)
      m->json->writer_free(w);
    call_problem(call, 500, "", fault ? fault : "out of memory");
    return;
  }
  if (!call->kept.ptr && url[0])
    call->kept = text_copy(BP_LIT(REMOTE_FOLDER));
  m->json->object_begin(w);
  put_text(m, w, "agentId", str_z(call->agent));
  if (call->kept.ptr)
    put_text(m, w, "workingDirectory", kit_text_str(&call->kept));
  m->json->key(w, BP_LIT("env"));
  m->json->put_raw(w, call->kept2.len ? kit_text_str(&call->kept2) : BP_LIT("{}"));
  m->json->object_end(w);
  if (m->json->writer_text(w, &text, NULL) == BP_OK)
    upstream_call(m, url, UP_SESSION_NEW, bp_str_make(NULL, 0), text, on_opened, call);
  else
    call_refuse(call, BP_E_NO_MEMORY, NULL);
  m->json->writer_free(w);
}

/* Without a token it depends on whether the gateway says the agent needs one. */
static bool needs_auth(const struct acp *m, bp_json data, const char *agent) {
  static const char *const known[] = {"claude-code", "gemini-cli", "qwen-code", "codex"};
  bp_json list = get_value(m, data, "agents"), item = 0;
  bp_str id = {NULL, 0};
  for (uint32_t i = 0; list && m->json->at(list, i, &item) == BP_OK; i++)
    if (get_text(m, item, "id", &id) && kit_same(id, agent))
      return get_flag(m, item, "requiresAuth") && !get_flag(m, item, "authenticated");
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (strcmp(known[i], agent) == 0)
      return true;
  return false;
}

static void on_agents(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  char text[NAME_BYTES + 64];
  (void)whole;
  (void)error;
  if (!needs_auth(call->m, data, call->agent)) {
    open_at_gateway(call);
    return;
  }
  (void)snprintf(text, sizeof(text), "Agent %s requires authentication", call->agent);
  call_problem(call, 401, "AUTH_REQUIRED", text);
}

static void on_env(void *ctx, bp_str env, bool has_token) {
  struct call *call = ctx;
  call->kept2 = kit_text_copy(env);
  if (has_token || strcmp(call->agent, "opencode") == 0)
    open_at_gateway(call);
  else
    call_upstream(call, UP_AGENTS, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_agents);
}

void run_session_new(struct call *call) {
  struct acp *m = call->m;
  bp_str agent = call->project.default_agent.len ? kit_text_str(&call->project.default_agent) : BP_LIT("opencode"), folder = {NULL, 0};
  char url[URL_BYTES];
  const char *fault = NULL;
  bool is_agent = !get_value(m, call->body, "agentId") || get_text(m, call->body, "agentId", &agent);
  bool is_folder = !get_value(m, call->body, "workingDirectory") || get_text(m, call->body, "workingDirectory", &folder);
  if (!is_agent || !is_folder || agent.len == 0 || agent.len >= NAME_BYTES) {
    call_problem(call, 400, "", "agentId and workingDirectory must be texts");
    return;
  }
  copy_name(call->agent, NAME_BYTES, agent);
  call->kept = folder.len ? kit_text_copy(folder) : (struct kit_text){NULL, 0};
  upstream_of(m, &call->project, url, &fault);
  token_env(m, agent, url[0] == '\0', on_env, call);
}

/* ---- Reading ---- */

static void on_sessions(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct acp *m = call->m;
  if (call_failed(call, outcome))
    return;
  bp_json_writer w = writer(m);
  if (w) {
    m->json->object_begin(w);
    m->json->key(w, BP_LIT("sessions"));
    m->json->array_begin(w);
    for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++)
      m->json->put_raw(w, db_column(m->db, outcome, 0, row, 0));
    m->json->array_end(w);
    m->json->object_end(w);
  }
  call_data(call, w);
}

void run_sessions(struct call *call) {
  uint32_t with_ended = 0;
  call->m->http->param_boolean(call->request, BP_LIT("includeEnded"), &with_ended);
  const bp_db_value values[] = {db_text(str_z(call->project.id)), db_integer(with_ended)};
  const bp_db_query query = {.size = sizeof(query), .statement = LIST_SESSIONS, .max_rows = 10000, .params = BP_ARRAY(values)};
  call_read(call, &query, on_sessions);
}

static void on_session(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (call_failed(call, outcome))
    return;
  if (call->m->db->rows(outcome->result, 0) == 0)
    call_problem(call, 404, "", "Session not found");
  else
    call_data_text(call, db_column(call->m->db, outcome, 0, 0, 0));
}

void run_session_get(struct call *call) {
  const bp_db_value id = db_text(str_z(call->session.id));
  const bp_db_query query = {.size = sizeof(query), .statement = SESSION_MESSAGES, .max_rows = 1, .params = {&id, 1, (uint32_t)sizeof(id)}};
  call_read(call, &query, on_session);
}

/* ---- Ending ---- */

static void answer_ended(struct call *call) {
  const struct acp *m = call->m;
  bp_json_writer w = writer(m);
  if (w) {
    m->json->object_begin(w);
    put_text(m, w, "id", str_z(call->session.id));
    put_text(m, w, "status", BP_LIT("ended"));
    m->json->object_end(w);
  }
  call_data(call, w);
}

static void on_closed(void *ctx, bp_json data, bp_str whole, const char *error) {
  (void)data;
  (void)whole;
  (void)error;
  answer_ended(ctx);
}

static void on_ended(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  char url[URL_BYTES];
  const char *fault;
  if (call_failed(call, outcome))
    return;
  watch_end(call->m, call->session.id);
  if (upstream_of(call->m, &call->project, url, &fault))
    upstream_call(call->m, url, UP_SESSION_CLOSE, str_z(call->session.acp_id), bp_str_make(NULL, 0), on_closed, call);
  else
    answer_ended(call);
}

void run_session_end(struct call *call) {
  const bp_db_value id[] = {db_text(str_z(call->session.id))};
  const bp_db_step steps[] = {STEP(END_SESSION, id), TELL(0)};
  call_write(call, steps, 2, on_ended);
}

/* ---- Permissions ---- */

static void on_permission(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  const struct acp *m = call->m;
  (void)whole;
  if (!data) {
    call_problem(call, 500, "", error);
    return;
  }
  bp_json_writer w = writer(m);
  if (w) {
    m->json->object_begin(w);
    put_text(m, w, "id", str_z(call->permission));
    put_flag(m, w, "granted", call->number != 0);
    m->json->object_end(w);
  }
  call_data(call, w);
}

void run_permission(struct call *call) {
  const struct acp *m = call->m;
  bp_json granted = get_value(m, call->body, "granted");
  bp_str option = {NULL, 0}, text = {NULL, 0};
  uint32_t is_granted = 0;
  if (!granted || m->json->boolean(granted, &is_granted) != BP_OK) {
    call_problem(call, 400, "", "granted (boolean) is required");
    return;
  }
  call->number = is_granted;
  bp_json_writer w = writer(m);
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_flag(m, w, "granted", is_granted);
  if (get_text(m, call->body, "optionId", &option))
    put_text(m, w, "optionId", option);
  m->json->object_end(w);
  m->json->writer_text(w, &text, NULL);
  call_upstream(call, UP_PERMISSION, str_z(call->permission), text, on_permission);
  m->json->writer_free(w);
}
