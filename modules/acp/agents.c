/* Agents of a project's gateway, with what we know of their tokens; and what the gateway says of itself. */
#include "acp.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Passing on ---- */

/* Any failure of the gateway is 500, also its 404 (contract 3.1). */
static void pass_on(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  (void)whole;
  if (!data) {
    call_problem(call, 500, "", error);
    return;
  }
  struct kit_text text = json_copy(call->m, data);
  call_data_text(call, kit_text_str(&text));
  kit_text_free(&text);
}

void run_agent_stop(struct call *call) {
  call_upstream(call, UP_AGENT_STOP, str_z(call->agent), bp_str_make(NULL, 0), pass_on);
}

void run_agent_status(struct call *call) {
  call_upstream(call, UP_AGENT_STATUS, str_z(call->agent), bp_str_make(NULL, 0), pass_on);
}

void run_info(struct call *call) {
  call_upstream(call, UP_INFO, bp_str_make(NULL, 0), bp_str_make(NULL, 0), pass_on);
}

static void on_health(void *ctx, bp_json data, bp_str whole, const char *error) {
  (void)whole;
  (void)error;
  call_data_text(ctx, data ? BP_LIT("{\"healthy\":true}") : BP_LIT("{\"healthy\":false}"));
}

void run_health(struct call *call) {
  char url[URL_BYTES];
  const char *fault;
  if (upstream_of(call->m, &call->project, url, &fault))
    upstream_call(call->m, url, UP_HEALTH, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_health, call);
  else
    call_data_text(call, BP_LIT("{\"healthy\":false}"));
}

/* ---- The list ---- */

static bool has_token(const struct acp *m, const bp_db_outcome *tokens, bp_str agent) {
  for (uint32_t row = 0; row < m->db->rows(tokens->result, 0); row++) {
    bp_str id = db_column(m->db, tokens, 0, row, 1);
    if (id.len == agent.len && memcmp(id.ptr, agent.ptr, id.len) == 0)
      return token_is_good(m, db_column(m->db, tokens, 0, row, 2));
  }
  return false;
}

static void put_agent(const struct acp *m, bp_json_writer w, bp_json agent, const bp_db_outcome *tokens) {
  uint64_t cursor = 0;
  bp_str name = {NULL, 0}, id = {NULL, 0};
  bp_json value = 0;
  m->json->object_begin(w);
  while (m->json->next(agent, &cursor, &name, &value) == BP_OK)
    if (!kit_same(name, "authenticated")) {
      m->json->key(w, name);
      m->json->put_value(w, value);
    }
  get_text(m, agent, "id", &id);
  put_flag(m, w, "authenticated", !get_flag(m, agent, "requiresAuth") || has_token(m, tokens, id));
  m->json->object_end(w);
}

static void on_tokens(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct acp *m = call->m;
  bp_json root = 0, agent = 0;
  bp_json_writer w;
  if (call_failed(call, outcome))
    return;
  if (m->json->parse(m->self, kit_text_str(&call->kept), &root, NULL) != BP_OK || !(w = writer(m))) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  bp_json list = get_value(m, root, "agents");
  m->json->object_begin(w);
  m->json->key(w, BP_LIT("agents"));
  m->json->array_begin(w);
  for (uint32_t i = 0; list && m->json->at(list, i, &agent) == BP_OK; i++)
    put_agent(m, w, agent, outcome);
  m->json->array_end(w);
  put_text(m, w, "defaultAgentId", call->project.default_agent.len ? kit_text_str(&call->project.default_agent) : BP_LIT("opencode"));
  m->json->object_end(w);
  m->json->release(m->self, root);
  call_data(call, w);
}

static void on_agents(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  (void)whole;
  if (!data) {
    call_problem(call, 500, "", error);
    return;
  }
  call->kept = json_copy(call->m, data);
  const bp_db_value user = db_text(kit_text_str(&call->m->user));
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_TOKENS, .params = {&user, 1, (uint32_t)sizeof(user)}};
  call_read(call, &query, on_tokens);
}

void run_agents(struct call *call) {
  call_upstream(call, UP_AGENTS, bp_str_make(NULL, 0), bp_str_make(NULL, 0), on_agents);
}

/* ---- Starting, with the token ---- */

static void on_spawn_env(void *ctx, bp_str env, bool is_known) {
  struct call *call = ctx;
  struct acp *m = call->m;
  bp_str text = {NULL, 0}, folder = {NULL, 0};
  bp_json_writer w = writer(m);
  (void)is_known;
  if (!w) {
    call_refuse(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  m->json->key(w, BP_LIT("env"));
  m->json->put_raw(w, env.len ? env : BP_LIT("{}"));
  if (get_text(m, call->body, "workingDirectory", &folder))
    put_text(m, w, "workingDirectory", folder);
  m->json->object_end(w);
  if (m->json->writer_text(w, &text, NULL) == BP_OK)
    call_upstream(call, UP_AGENT_SPAWN, str_z(call->agent), text, pass_on);
  else
    call_refuse(call, BP_E_NO_MEMORY, NULL);
  m->json->writer_free(w);
}

void run_agent_spawn(struct call *call) {
  char url[URL_BYTES];
  const char *fault = NULL;
  upstream_of(call->m, &call->project, url, &fault);
  token_env(call->m, str_z(call->agent), url[0] == '\0', on_spawn_env, call);
}
