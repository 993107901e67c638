/* Opening a session: the folder, the agent's process, session/new (or load, resume), the row; and bringing one back whose agent ended. */
#include "gateway.h"
#include "statements.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct opening {
  struct call *call;
  char *cwd, *env_json, *mcp_json, *load_id, *title, *parent, *timeline_root;
  char resolved[PATH_MAX];
  bool is_folder, tried_auth;
  bp_root root;
  struct process *process;
  struct session *session; /* one to attach again; NULL: a new one */
  attached_fn attached;
  void *attached_ctx;
};

static void opening_free(struct opening *o) {
  if (o->root)
    o->call->gw->fs->root_close(o->root);
  if (o->process)
    process_unref(o->process);
  if (o->session)
    session_unref(o->session);
  call_free(o->call);
  free(o->cwd);
  if (o->env_json)
    explicit_bzero(o->env_json, strlen(o->env_json));
  free(o->env_json);
  free(o->mcp_json);
  free(o->load_id);
  free(o->title);
  free(o->parent);
  free(o->timeline_root);
  free(o);
}

static struct gateway *gateway_of(const struct opening *o) {
  return o->session ? o->session->gw : o->call->gw;
}

static struct agent *agent_of(const struct opening *o) {
  return o->session ? o->session->agent : o->call->agent;
}

static void fail(struct opening *o, uint32_t http_status, const char *code, const char *message) {
  if (o->session) {
    o->session->is_attaching = false;
    if (o->session->process)
      process_unref(o->session->process);
    o->session->process = NULL;
    o->attached(o->attached_ctx, message);
  } else {
    call_fail(o->call, http_status, http_status == 401 ? BP_E_DENIED : BP_E_IO, code, message);
  }
  opening_free(o);
}

/* ---- The row, and the answer ---- */

static bool is_usable_id(bp_str id) {
  for (size_t i = 0; i < id.len; i++) {
    char c = id.ptr[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':'))
      return false;
  }
  return id.len >= 8 && id.len < ID_BYTES - 40;
}

static void on_stored(void *ctx, const bp_db_outcome *outcome) {
  struct opening *o = ctx;
  struct gateway *gw = o->call->gw;
  struct session *session = o->call->session;
  if (outcome->status == BP_E_EXISTS && strcmp(session->id, session->acp_id) == 0) {
    random_id(gw, "ses-", session->id); /* a session of before has this name */
    const bp_db_value values[] = {db_text(str_z(session->id)),
                                  db_text(str_z(session->agent->id)),
                                  db_text(str_z(session->acp_id)),
                                  db_text(str_z(session->cwd)),
                                  session->title ? db_text(str_z(session->title)) : db_null(),
                                  session->parent ? db_text(str_z(session->parent)) : db_null(),
                                  db_integer(session->created_ms)};
    const bp_db_step step = db_exec(ADD_SESSION, values, 7);
    if (gw->db->write(gw->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_stored, o) == BP_OK)
      return;
  }
  if (outcome->status != BP_OK) {
    session_close(session, "ended");
    call_fail(o->call, 507, outcome->status, "", "The session could not be stored");
  } else {
    bp_json_writer w = writer(gw);
    timeline_session(session, "running");
    if (w)
      session_write(session, w);
    call_answer(o->call, w);
  }
  opening_free(o);
}

static void name_session(struct session *session) {
  bp_str acp_id = str_z(session->acp_id);
  if (is_usable_id(acp_id) && !session_find(session->gw, acp_id))
    memcpy(session->id, session->acp_id, sizeof(session->id));
  else
    random_id(session->gw, "ses-", session->id);
}

static char *take(char **from) {
  char *text = *from;
  *from = NULL;
  return text;
}

static void make_session(struct opening *o, bp_str acp_id, bp_json result) {
  struct gateway *gw = o->call->gw;
  struct session *session = calloc(1, sizeof(*session));
  if (!session || acp_id.len == 0 || acp_id.len >= ID_BYTES) {
    free(session);
    fail(o, 500, "", "the agent gave no usable session id");
    return;
  }
  *session = (struct session){.gw = gw, .references = 2, .agent = o->call->agent, .process = process_ref(o->process), .root = o->root};
  memcpy(session->acp_id, acp_id.ptr, acp_id.len);
  name_session(session);
  o->root = 0;
  session->cwd = str_dup(str_z(o->resolved));
  session->title = take(&o->title);
  session->parent = take(&o->parent);
  session->timeline_root = take(&o->timeline_root);
  session->env_json = take(&o->env_json);
  session->mcp_json = take(&o->mcp_json);
  session->created_ms = session->activity_ms = now_ms(gw);
  session->next = gw->sessions;
  gw->sessions = session;
  o->call->session = session; /* the second reference */
  session_keep_state(session, result);
  const bp_db_value values[] = {db_text(str_z(session->id)),
                                db_text(str_z(session->agent->id)),
                                db_text(str_z(session->acp_id)),
                                db_text(str_z(session->cwd)),
                                session->title ? db_text(str_z(session->title)) : db_null(),
                                session->parent ? db_text(str_z(session->parent)) : db_null(),
                                db_integer(session->created_ms)};
  const bp_db_step step = db_exec(ADD_SESSION, values, 7);
  if (gw->db->write(gw->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_stored, o) != BP_OK) {
    session_close(session, "ended");
    fail(o, 503, "", "the store is busy");
  }
}

static void reattached(struct opening *o, bp_str acp_id, bp_json result) {
  struct session *session = o->session;
  session->is_attaching = false;
  session_keep_state(session, result);
  if (acp_id.len && acp_id.len < ID_BYTES && !kit_same(acp_id, session->acp_id)) {
    memset(session->acp_id, 0, sizeof(session->acp_id));
    memcpy(session->acp_id, acp_id.ptr, acp_id.len);
    const bp_db_value values[] = {db_text(str_z(session->id)), db_text(acp_id)};
    store_run(session->gw, SET_SESSION_ACP_ID, values, 2);
  }
  o->attached(o->attached_ctx, session->is_closed ? "the session was closed" : NULL);
  opening_free(o);
}

/* ---- At the agent ---- */

static void ask(struct opening *o);

static void on_authenticated(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  (void)process;
  (void)code;
  (void)message;
  if (result)
    ask(ctx);
  else
    fail(ctx, 401, "AUTH_REQUIRED", "The agent refused the configured authentication method");
}

static void need_auth(struct opening *o) {
  struct agent *agent = agent_of(o);
  struct gateway *gw = agent->gw;
  char text[160];
  bp_json_writer w = writer(gw);
  if (agent->auth_method && !o->tried_auth) {
    o->tried_auth = true;
    if (w) {
      gw->json->object_begin(w);
      put_text(gw, w, "methodId", str_z(agent->auth_method));
      gw->json->object_end(w);
    }
    rpc_request(o->process, "authenticate", w, on_authenticated, o);
    return;
  }
  agent->needs_auth = true;
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "agentId", str_z(agent->id));
    put_raw_or_null(gw, w, "authMethods", o->process->auth_methods);
    gw->json->object_end(w);
    event_publish(gw, "auth_required", bp_str_make(NULL, 0), str_z(agent->id), w, NULL, NULL);
  }
  event_agent_status(agent);
  (void)snprintf(text, sizeof(text), "Agent %s requires authentication", agent->id);
  fail(o, 401, "AUTH_REQUIRED", text);
}

static void on_opened(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  struct opening *o = ctx;
  struct gateway *gw = gateway_of(o);
  bp_str acp_id = {NULL, 0};
  (void)process;
  if (!result && code == RPC_AUTH_REQUIRED) {
    need_auth(o);
    return;
  }
  if (!result || !o->process->proc) {
    char text[512];
    (void)snprintf(text, sizeof(text), "The agent opened no session: %.*s", (int)(message.len > 400 ? 400 : message.len), message.ptr);
    fail(o, 500, "", text);
    return;
  }
  agent_of(o)->needs_auth = false;
  get_text(gw, result, "sessionId", &acp_id);
  if (o->session)
    reattached(o, acp_id, result);
  else
    make_session(o, acp_id.len ? acp_id : o->load_id ? str_z(o->load_id) : acp_id, result);
}

static const char *method_for(const struct opening *o, const char *load_id) {
  if (load_id && o->process->can_load)
    return "session/load";
  if (load_id && o->process->can_resume)
    return "session/resume";
  return "session/new";
}

static void ask(struct opening *o) {
  struct gateway *gw = gateway_of(o);
  const char *load_id = o->session ? o->session->acp_id : o->load_id;
  const char *mcp = o->session ? o->session->mcp_json : o->mcp_json;
  const char *method = method_for(o, load_id);
  bp_json_writer w = writer(gw);
  if (o->load_id && strcmp(method, "session/new") == 0) {
    if (w)
      gw->json->writer_free(w);
    fail(o, 400, "", "This agent can neither load nor resume a session");
    return;
  }
  if (w) {
    gw->json->object_begin(w);
    if (strcmp(method, "session/new") != 0)
      put_text(gw, w, "sessionId", str_z(load_id));
    put_text(gw, w, "cwd", o->session ? str_z(o->session->cwd) : str_z(o->resolved));
    gw->json->key(w, BP_LIT("mcpServers"));
    gw->json->put_raw(w, mcp ? str_z(mcp) : BP_LIT("[]"));
    gw->json->object_end(w);
  }
  rpc_request(o->process, method, w, on_opened, o);
}

static void on_ready(void *ctx, struct process *process, const char *error) {
  struct opening *o = ctx;
  if (!process) {
    fail(o, 500, "", error);
    return;
  }
  o->process = process_ref(process);
  if (o->session && !o->session->is_closed) {
    if (o->session->process)
      process_unref(o->session->process);
    o->session->process = process_ref(process);
  }
  ask(o);
}

static void need_process(struct opening *o, const char *env_json, const char *cwd) {
  struct gateway *gw = gateway_of(o);
  bp_json env = 0;
  if (env_json)
    gw->json->parse(gw->self, str_z(env_json), &env, NULL);
  process_need(agent_of(o), env, str_z(cwd), on_ready, o);
  if (env)
    gw->json->release(gw->self, env);
}

/* ---- A new one ---- */

static void look_at_folder(void *ctx) {
  struct opening *o = ctx;
  struct stat info;
  o->is_folder = realpath(o->cwd, o->resolved) && stat(o->resolved, &info) == 0 && S_ISDIR(info.st_mode);
}

static void on_looked(void *ctx, bp_status status) {
  struct opening *o = ctx;
  bp_error err = BP_ERROR_INIT;
  if (status != BP_OK || !o->is_folder) {
    fail(o, 400, "", "workingDirectory must be an existing folder");
    return;
  }
  if (o->call->gw->fs->root_open(o->call->gw->self, str_z(o->resolved), 0, &o->root, &err) != BP_OK) {
    fail(o, err.code == BP_E_LIMIT ? 503 : 400, "", err.message);
    return;
  }
  need_process(o, o->env_json, o->resolved);
}

static char *copy_member(const struct call *call, const char *name) {
  bp_str text = {NULL, 0};
  return get_text(call->gw, call->args, name, &text) && text.len ? str_dup(text) : NULL;
}

static const char *check(struct call *call, bp_str *ret_cwd) {
  struct gateway *gw = call->gw;
  bp_json env = get_value(gw, call->args, "env"), mcp = get_value(gw, call->args, "mcpServers");
  unsigned count = 0;
  for (const struct session *session = gw->sessions; session; session = session->next)
    count++;
  *ret_cwd = str_z(gw->folder);
  if (get_value(gw, call->args, "workingDirectory") && !get_text(gw, call->args, "workingDirectory", ret_cwd))
    return "workingDirectory must be a text";
  if (ret_cwd->len == 0)
    *ret_cwd = str_z(gw->folder);
  if (ret_cwd->len >= PATH_MAX || ret_cwd->ptr[0] != '/' || memchr(ret_cwd->ptr, '\0', ret_cwd->len))
    return "workingDirectory must be an absolute path";
  if (env && gw->json->type(env) != BP_JSON_OBJECT)
    return "env must be an object of texts";
  if (mcp && gw->json->type(mcp) != BP_JSON_ARRAY)
    return "mcpServers must be a list";
  return count >= SESSIONS_MAX ? "Too many sessions are open: close one first" : NULL;
}

void op_session_new(struct call *call) {
  struct gateway *gw = call->gw;
  bp_str id = BP_STR("opencode"), cwd;
  char text[160];
  get_text(gw, call->args, "agentId", &id);
  call->agent = agent_find(gw, id);
  if (!call->agent) {
    (void)snprintf(text, sizeof(text), "Unknown agent: %.*s", (int)(id.len > 100 ? 100 : id.len), id.ptr);
    call_fail(call, 400, BP_E_INVALID, "", text);
    return;
  }
  const char *fault = check(call, &cwd);
  if (fault) {
    call_fail(call, fault[0] == 'T' ? 503 : 400, BP_E_INVALID, "", fault);
    return;
  }
  struct opening *o = calloc(1, sizeof(*o));
  if (o)
    o->call = call_copy(call);
  if (!o || !o->call) {
    free(o);
    call_fail(call, 503, BP_E_NO_MEMORY, "", "out of memory");
    return;
  }
  o->cwd = str_dup(cwd);
  o->env_json = json_copy(gw, get_value(gw, call->args, "env"));
  o->mcp_json = json_copy(gw, get_value(gw, call->args, "mcpServers"));
  o->load_id = copy_member(call, "loadSessionId");
  o->title = copy_member(call, "title");
  o->parent = copy_member(call, "parent");
  o->timeline_root = copy_member(call, "timelineSession");
  if (gw->loop->work(gw->self, look_at_folder, on_looked, o) != BP_OK)
    fail(o, 503, "", "too much is under way: try again later");
}

/* ---- One of before ---- */

void session_attach(struct session *session, attached_fn done, void *ctx) {
  struct opening *o = session->is_attaching ? NULL : calloc(1, sizeof(*o));
  if (!o) {
    done(ctx, session->is_attaching ? "the session is being brought back already" : "out of memory");
    return;
  }
  session_ref(session);
  *o = (struct opening){.session = session, .attached = done, .attached_ctx = ctx};
  session->is_attaching = true;
  need_process(o, session->env_json, session->cwd);
}
