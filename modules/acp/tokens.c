/* Tokens of agents: values in bp.secret, what is known about them in a table of ours. No answer ever holds one. */
#include "acp.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKEN_MOST 16384

static bp_str secret_name(const char *kind, bp_str agent, char out[NAME_BYTES + 16]) {
  int len = snprintf(out, NAME_BYTES + 16, "%s:%.*s", kind, (int)(agent.len > 128 ? 128 : agent.len), agent.ptr);
  return bp_str_make(out, (size_t)len);
}

/* A time as we store it; no time is no end. */
bool token_is_good(const struct acp *m, bp_str expires_at) {
  char text[KIT_TIME_BYTES];
  return !expires_at.ptr || strncmp(time_of_s(now_s(m) + EXPIRY_MARGIN_S, text).ptr, expires_at.ptr, 19) < 0;
}

/* ---- Storing ---- */

struct storing {
  struct acp *m;
  char agent[NAME_BYTES];
  struct kit_text refresh, scopes;
  int64_t expires_in_s;
  token_fn done;
  void *ctx;
};

static void stored(struct storing *s, bp_status status) {
  s->done(s->ctx, status);
  if (s->refresh.ptr)
    explicit_bzero(s->refresh.ptr, s->refresh.len);
  kit_text_free(&s->refresh);
  kit_text_free(&s->scopes);
  free(s);
}

static void on_row(void *ctx, const bp_db_outcome *outcome) {
  stored(ctx, outcome->status);
}

static void store_row(struct storing *s) {
  struct acp *m = s->m;
  char id[ID_BYTES], time[KIT_TIME_BYTES];
  nano_id(m, id);
  const bp_db_value values[] = {db_text(str_z(id)),
                                db_text(kit_text_str(&m->user)),
                                db_text(str_z(s->agent)),
                                db_integer(s->refresh.len > 0),
                                s->expires_in_s > 0 ? db_text(time_of_s(now_s(m) + s->expires_in_s, time)) : db_null(),
                                s->scopes.ptr ? db_text(kit_text_str(&s->scopes)) : db_null()};
  const bp_db_step step = db_exec(PUT_TOKEN, values, 6);
  bp_status status = m->db->write(m->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_row, s);
  if (status != BP_OK)
    stored(s, status);
}

static void on_refresh_put(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  (void)value;
  (void)err;
  if (status == BP_OK || status == BP_E_NOT_FOUND)
    store_row(ctx);
  else
    stored(ctx, status);
}

static void on_access_put(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct storing *s = ctx;
  struct acp *m = s->m;
  char name[NAME_BYTES + 16];
  (void)value;
  (void)err;
  if (status == BP_OK) {
    bp_str refresh_name = secret_name("refresh", str_z(s->agent), name);
    status = s->refresh.len ? m->secret->put(m->self, kit_text_str(&m->user), refresh_name, kit_text_str(&s->refresh), 0, on_refresh_put, s)
                            : m->secret->remove(m->self, kit_text_str(&m->user), refresh_name, on_refresh_put, s);
    if (status == BP_OK)
      return;
  }
  stored(s, status);
}

void token_store(struct acp *m, bp_str agent, const struct new_token *token, token_fn done, void *ctx) {
  char name[NAME_BYTES + 16];
  struct storing *s = calloc(1, sizeof(*s));
  if (!s) {
    done(ctx, BP_E_NO_MEMORY);
    return;
  }
  *s = (struct storing){.m = m, .expires_in_s = token->expires_in_s, .done = done, .ctx = ctx};
  copy_name(s->agent, NAME_BYTES, agent);
  s->refresh = kit_text_copy(token->refresh);
  s->scopes = kit_text_copy(token->scopes);
  bp_status status = m->secret->put(m->self, kit_text_str(&m->user), secret_name("access", agent, name), token->access, 0, on_access_put, s);
  if (status != BP_OK)
    stored(s, status);
}

/* ---- Using ---- */

struct using {
  struct acp *m;
  char agent[NAME_BYTES];
  bool is_builtin, was_refreshed;
  env_fn done;
  void *ctx;
};

static const char *const variables[][4] = {
    {"claude-code", "ANTHROPIC_API_KEY", NULL, NULL},
    {"codex", "OPENAI_API_KEY", NULL, NULL},
    {"gemini-cli", "GOOGLE_API_KEY", "GEMINI_API_KEY", NULL}, /* the second for the built-in gateway only: the program reads it */
    {"qwen-code", "ALIBABA_API_KEY", "DASHSCOPE_API_KEY", NULL},
};

static void used(struct using *u, bp_str env, bool has_token) {
  u->done(u->ctx, env, has_token);
  free(u);
}

static void on_value(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct using *u = ctx;
  const struct acp *m = u->m;
  bp_json_writer w = status == BP_OK ? writer(m) : 0;
  bp_str text = {NULL, 0};
  if (status != BP_OK && status != BP_E_NOT_FOUND)
    note(m, BP_LOG_WARN, "the stored token of agent %s cannot be read: %s", u->agent, err->message);
  if (!w) {
    used(u, text, false);
    return;
  }
  m->json->object_begin(w);
  for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
    for (int k = 1; strcmp(variables[i][0], u->agent) == 0 && variables[i][k]; k++)
      if (strcmp(variables[i][k], "GEMINI_API_KEY") != 0 || u->is_builtin)
        put_text(m, w, variables[i][k], value);
  m->json->object_end(w);
  m->json->writer_text(w, &text, NULL);
  used(u, text, true);
  m->json->writer_free(w);
}

static void get_access(struct using *u) {
  char name[NAME_BYTES + 16];
  if (u->m->secret->get(u->m->self, kit_text_str(&u->m->user), secret_name("access", str_z(u->agent), name), on_value, u) != BP_OK)
    used(u, bp_str_make(NULL, 0), false);
}

static void on_refreshed(void *ctx, bp_status status) {
  if (status == BP_OK)
    get_access(ctx);
  else
    used(ctx, bp_str_make(NULL, 0), false);
}

static void on_refresh_value(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  struct using *u = ctx;
  (void)err;
  if (status == BP_OK)
    oauth_refresh(u->m, str_z(u->agent), value, on_refreshed, u);
  else
    used(u, bp_str_make(NULL, 0), false);
}

static void on_known(void *ctx, const bp_db_outcome *outcome) {
  struct using *u = ctx;
  struct acp *m = u->m;
  char name[NAME_BYTES + 16];
  bp_db_value has_refresh = {.size = sizeof(has_refresh)};
  if (outcome->status != BP_OK || m->db->rows(outcome->result, 0) == 0) {
    used(u, bp_str_make(NULL, 0), false);
    return;
  }
  if (token_is_good(m, db_column(m->db, outcome, 0, 0, 0))) {
    get_access(u);
    return;
  }
  m->db->value(outcome->result, 0, 0, 1, &has_refresh);
  if (!has_refresh.integer || !oauth_knows(m, str_z(u->agent)) ||
      m->secret->get(m->self, kit_text_str(&m->user), secret_name("refresh", str_z(u->agent), name), on_refresh_value, u) != BP_OK)
    used(u, bp_str_make(NULL, 0), false);
}

void token_env(struct acp *m, bp_str agent, bool is_builtin, env_fn done, void *ctx) {
  struct using *u = calloc(1, sizeof(*u));
  if (!u) {
    done(ctx, bp_str_make(NULL, 0), false);
    return;
  }
  *u = (struct using){.m = m, .is_builtin = is_builtin, .done = done, .ctx = ctx};
  copy_name(u->agent, NAME_BYTES, agent);
  const bp_db_value values[] = {db_text(kit_text_str(&m->user)), db_text(str_z(u->agent))};
  const bp_db_query query = {.size = sizeof(query), .statement = TOKEN_OF, .max_rows = 1, .params = BP_ARRAY(values)};
  if (m->db->read(m->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_known, u) != BP_OK)
    used(u, bp_str_make(NULL, 0), false);
}

/* ---- Routes: start, status, callback, delete, list ---- */

static void on_init(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  struct kit_text text = json_copy(call->m, data);
  (void)whole;
  if (data)
    call_data_text(call, kit_text_str(&text));
  else
    call_problem(call, 500, "", error);
  kit_text_free(&text);
}

static void on_start_known(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct acp *m = call->m;
  if (call_failed(call, outcome))
    return;
  if (m->db->rows(outcome->result, 0) == 1 && token_is_good(m, db_column(m->db, outcome, 0, 0, 0)))
    call_data_text(call, BP_LIT("{\"authenticated\":true,\"message\":\"Already authenticated\"}"));
  else if (oauth_knows(m, str_z(call->agent)))
    oauth_start(call);
  else
    call_upstream(call, UP_AUTH_INIT, str_z(call->agent), bp_str_make(NULL, 0), on_init);
}

static void read_token(struct call *call, bp_db_done_fn done) {
  const bp_db_value values[] = {db_text(kit_text_str(&call->m->user)), db_text(str_z(call->agent))};
  const bp_db_query query = {.size = sizeof(query), .statement = TOKEN_OF, .max_rows = 1, .params = BP_ARRAY(values)};
  call_read(call, &query, done);
}

void run_auth_start(struct call *call) {
  read_token(call, on_start_known);
}

static void answer_status(struct call *call, bool at_gateway) {
  const struct acp *m = call->m;
  bp_json_writer w = writer(m);
  bp_str expires = kit_text_str(&call->kept);
  if (w) {
    m->json->object_begin(w);
    put_flag(m, w, "authenticated", at_gateway || (call->number && token_is_good(m, expires.len ? expires : bp_str_make(NULL, 0))));
    put_flag(m, w, "hasStoredToken", call->number != 0);
    if (expires.len)
      put_text(m, w, "expiresAt", expires);
    m->json->object_end(w);
  }
  call_data(call, w);
}

static void on_gateway_status(void *ctx, bp_json data, bp_str whole, const char *error) {
  struct call *call = ctx;
  (void)whole;
  (void)error;
  answer_status(call, data && get_flag(call->m, data, "authenticated"));
}

static void on_status_known(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  char url[URL_BYTES];
  const char *fault;
  if (call_failed(call, outcome))
    return;
  call->number = call->m->db->rows(outcome->result, 0);
  if (call->number)
    call->kept = kit_text_copy(db_column(call->m->db, outcome, 0, 0, 0));
  if (upstream_of(call->m, &call->project, url, &fault))
    upstream_call(call->m, url, UP_AUTH_STATUS, str_z(call->agent), bp_str_make(NULL, 0), on_gateway_status, call);
  else
    answer_status(call, false);
}

void run_auth_status(struct call *call) {
  read_token(call, on_status_known);
}

static void on_gateway_told(void *ctx, bp_json data, bp_str whole, const char *error) {
  (void)data;
  (void)whole;
  (void)error;
  call_data_text(ctx, BP_LIT("{\"authenticated\":true}"));
}

/* kept: what the gateway gets, {token, expiresIn}. */
static void on_callback_stored(void *ctx, bp_status status) {
  struct call *call = ctx;
  char url[URL_BYTES];
  const char *fault;
  if (status != BP_OK)
    call_problem(call, status == BP_E_FULL ? 507 : 500, "", "Failed to save auth token");
  else if (upstream_of(call->m, &call->project, url, &fault))
    upstream_call(call->m, url, UP_AUTH_TOKEN, str_z(call->agent), kit_text_str(&call->kept), on_gateway_told, call);
  else
    call_data_text(call, BP_LIT("{\"authenticated\":true}"));
}

static void read_scopes(const struct acp *m, bp_json body, struct kit_buf *out) {
  bp_json scopes = get_value(m, body, "scopes"), item = 0;
  bp_str text = {NULL, 0};
  if (get_text(m, body, "scopes", &text)) {
    kit_buf_add(out, text, 4096);
    return;
  }
  for (uint32_t i = 0; scopes && m->json->at(scopes, i, &item) == BP_OK; i++)
    if (m->json->string(item, &text) == BP_OK) {
      if (out->len)
        kit_buf_add(out, BP_LIT(" "), 4096);
      kit_buf_add(out, text, 4096);
    }
}

static struct kit_text token_for_gateway(const struct acp *m, bp_str token, int64_t expires_in_s) {
  bp_json_writer w = writer(m);
  if (!w)
    return (struct kit_text){NULL, 0};
  m->json->object_begin(w);
  put_text(m, w, "token", token);
  if (expires_in_s > 0) {
    m->json->key(w, BP_LIT("expiresIn"));
    m->json->put_integer(w, expires_in_s);
  }
  m->json->object_end(w);
  return kit_text_of_writer(m->json, w);
}

void run_auth_callback(struct call *call) {
  struct acp *m = call->m;
  struct new_token token = {0};
  struct kit_buf scopes = {0};
  bp_str code = {NULL, 0}, state = {NULL, 0};
  if (!get_value(m, call->body, "accessToken") && get_text(m, call->body, "code", &code) && get_text(m, call->body, "state", &state)) {
    oauth_finish(call, code, state);
    return;
  }
  if (!get_text(m, call->body, "accessToken", &token.access) || token.access.len == 0) {
    call_problem(call, 400, "", "Access token is required");
    return;
  }
  get_text(m, call->body, "refreshToken", &token.refresh);
  get_integer(m, call->body, "expiresIn", &token.expires_in_s);
  if (token.access.len > TOKEN_MOST || token.refresh.len > TOKEN_MOST || token.expires_in_s < 0 || token.expires_in_s > INT64_C(10000000000)) {
    call_problem(call, 400, "", "accessToken and refreshToken must be at most 16384 bytes, expiresIn a number of seconds");
    return;
  }
  read_scopes(m, call->body, &scopes);
  token.scopes = scopes.len ? kit_buf_str(&scopes) : bp_str_make(NULL, 0);
  call->kept = token_for_gateway(m, token.access, token.expires_in_s);
  token_store(m, str_z(call->agent), &token, on_callback_stored, call);
  kit_buf_free(&scopes);
}

static void on_removed(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  const struct acp *m = ctx;
  (void)value;
  if (status != BP_OK && status != BP_E_NOT_FOUND && status != BP_E_CANCELLED)
    note(m, BP_LOG_WARN, "a stored token was not removed: %s", err->message);
}

static void on_forgotten(void *ctx, bp_json data, bp_str whole, const char *error) {
  (void)data;
  (void)whole;
  (void)error;
  call_data_text(ctx, BP_LIT("{\"authenticated\":false}"));
}

/* The gateway of this host forgets it as well; a remote one has no way to be told. */
static void on_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct acp *m = call->m;
  char name[NAME_BYTES + 16], url[URL_BYTES];
  const char *fault;
  if (call_failed(call, outcome))
    return;
  m->secret->remove(m->self, kit_text_str(&m->user), secret_name("access", str_z(call->agent), name), on_removed, m);
  m->secret->remove(m->self, kit_text_str(&m->user), secret_name("refresh", str_z(call->agent), name), on_removed, m);
  if (upstream_of(m, &call->project, url, &fault) && url[0] == '\0')
    upstream_call(m, url, UP_AUTH_TOKEN, str_z(call->agent), BP_LIT("{\"forget\":true}"), on_forgotten, call);
  else
    call_data_text(call, BP_LIT("{\"authenticated\":false}"));
}

void run_auth_delete(struct call *call) {
  const bp_db_value values[] = {db_text(kit_text_str(&call->m->user)), db_text(str_z(call->agent))};
  const bp_db_step step = db_exec(DELETE_TOKEN, values, 2);
  call_write(call, &step, 1, on_deleted);
}

static void on_list(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct acp *m = call->m;
  if (call_failed(call, outcome))
    return;
  bp_json_writer w = writer(m);
  if (w) {
    m->json->object_begin(w);
    m->json->key(w, BP_LIT("tokens"));
    m->json->array_begin(w);
    for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++)
      m->json->put_raw(w, db_column(m->db, outcome, 0, row, 0));
    m->json->array_end(w);
    m->json->object_end(w);
  }
  call_data(call, w);
}

void run_tokens(struct call *call) {
  const bp_db_value user = db_text(kit_text_str(&call->m->user));
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_TOKENS, .params = {&user, 1, (uint32_t)sizeof(user)}};
  call_read(call, &query, on_list);
}
