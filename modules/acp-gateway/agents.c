/* Operations on agents: the list, starting and stopping, status, tokens; and what the gateway says of itself. */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_MAX 16384

void agent_write(const struct agent *agent, bp_json_writer w) {
  const struct gateway *gw = agent->gw;
  gw->json->object_begin(w);
  put_text(gw, w, "id", str_z(agent->id));
  put_text(gw, w, "name", str_z(agent->name));
  put_text(gw, w, "description", str_z(agent->description));
  put_flag(gw, w, "requiresAuth", agent->requires_auth);
  put_text(gw, w, "status", str_z(agent_status(agent)));
  put_flag(gw, w, "authenticated", agent_is_authenticated(agent));
  if (agent->auth_env)
    put_text(gw, w, "authEnv", str_z(agent->auth_env));
  gw->json->object_end(w);
}

void op_agents(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    if (call->request) {
      gw->json->object_begin(w);
      gw->json->key(w, BP_LIT("agents"));
    }
    gw->json->array_begin(w);
    for (uint32_t i = 0; i < gw->agent_count; i++)
      agent_write(&gw->agents[i], w);
    gw->json->array_end(w);
    if (call->request)
      gw->json->object_end(w);
  }
  call_answer(call, w);
}

/* ---- Starting and stopping ---- */

static void answer_started(struct call *call, const struct process *process) {
  const struct gateway *gw = call->gw;
  char time[KIT_TIME_BYTES];
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(call->agent->id));
    put_text(gw, w, "status", str_z(agent_status(call->agent)));
    put_text(gw, w, "startedAt", time_text(process->started_ms, time));
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

static void on_spawned(void *ctx, struct process *process, const char *error) {
  struct call *call = ctx;
  if (process)
    answer_started(call, process);
  else
    call_fail(call, 500, BP_E_IO, "", error);
  call_free(call);
}

static bool find_agent(struct call *call) {
  call->agent = agent_find(call->gw, call->path_id);
  if (!call->agent)
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Agent not found");
  return call->agent != NULL;
}

void op_agent_spawn(struct call *call) {
  bp_str cwd = {NULL, 0};
  struct gateway *gw = call->gw;
  if (!find_agent(call))
    return;
  get_text(gw, call->args, "workingDirectory", &cwd);
  struct call *later = call_copy(call);
  if (!later)
    call_fail(call, 503, BP_E_NO_MEMORY, "", "out of memory");
  else
    process_need(call->agent, get_value(gw, call->args, "env"), cwd, on_spawned, later);
}

static void answer_stopped(struct call *call) {
  const struct gateway *gw = call->gw;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", str_z(call->agent->id));
    put_text(gw, w, "status", BP_LIT("stopped"));
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

/* Looks again until every process of the agent is gone; the stop's own grace ends that. */
static void on_stopping(void *ctx, bp_timer timer) {
  struct call *call = ctx;
  struct gateway *gw = call->gw;
  (void)timer;
  for (const struct process *process = gw->processes; process; process = process->next)
    if (process->agent == call->agent && process->is_stopping) {
      if (gw->loop->timer(gw->self, 50, 0, on_stopping, call, &timer) == BP_OK)
        return;
      break;
    }
  answer_stopped(call);
  call_free(call);
}

void op_agent_stop(struct call *call) {
  struct gateway *gw = call->gw;
  bp_timer timer;
  if (!find_agent(call))
    return;
  free(call->agent->error);
  call->agent->error = NULL;
  call->agent->needs_auth = false;
  for (struct process *process = gw->processes; process; process = process->next)
    if (process->agent == call->agent && process->proc)
      process_stop(process);
  struct call *later = process_of(gw, call->agent) || gw->processes ? call_copy(call) : NULL;
  if (!later || gw->loop->timer(gw->self, 0, 0, on_stopping, later, &timer) != BP_OK) {
    answer_stopped(call);
    call_free(later);
  }
}

void op_agent_status(struct call *call) {
  struct gateway *gw = call->gw;
  struct agent *agent = agent_find(gw, call->path_id);
  const struct process *process = agent ? process_of(gw, agent) : NULL;
  char started[KIT_TIME_BYTES], active[KIT_TIME_BYTES];
  bp_str none = {NULL, 0};
  unsigned sessions = 0;
  for (const struct session *session = gw->sessions; session; session = session->next)
    sessions += session->agent == agent && !session->is_closed;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "id", call->path_id);
    put_text(gw, w, "status", agent ? str_z(agent_status(agent)) : BP_LIT("stopped"));
    put_text_or_null(gw, w, "startedAt", process ? time_text(process->started_ms, started) : none);
    put_text_or_null(gw, w, "lastActivity", process ? time_text(process->activity_ms, active) : none);
    put_integer(gw, w, "sessionCount", sessions);
    put_text_or_null(gw, w, "error", agent && agent->error ? str_z(agent->error) : none);
    if (process) {
      put_integer(gw, w, "pid", gw->proc->pid(process->proc));
      put_raw_or_null(gw, w, "capabilities", process->capabilities);
    }
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

/* ---- Tokens ---- */

void op_auth_init(struct call *call) {
  const struct gateway *gw = call->gw;
  if (!find_agent(call))
    return;
  const struct process *process = process_of(call->gw, call->agent);
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    if (agent_is_authenticated(call->agent))
      put_flag(gw, w, "authenticated", true);
    put_text(gw, w, "message",
             agent_is_authenticated(call->agent) ? BP_LIT("Already authenticated") : BP_LIT("Send the agent's API key or token to auth/token"));
    if (process && process->auth_methods)
      put_raw_or_null(gw, w, "authMethods", process->auth_methods);
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

void op_auth_status(struct call *call) {
  const struct gateway *gw = call->gw;
  char time[KIT_TIME_BYTES];
  if (!find_agent(call))
    return;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_flag(gw, w, "authenticated", agent_is_authenticated(call->agent));
    if (call->agent->token && call->agent->token_expires_ms)
      put_text(gw, w, "expiresAt", time_text(call->agent->token_expires_ms, time));
    gw->json->object_end(w);
  }
  call_answer(call, w);
}

static void tell_complete(struct agent *agent) {
  struct gateway *gw = agent->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "agentId", str_z(agent->id));
  gw->json->object_end(w);
  event_publish(gw, "auth_complete", bp_str_make(NULL, 0), str_z(agent->id), w, NULL, NULL);
}

/* A running agent keeps the environment it started with: one that asked for a token is ended, so that the next start has it. */
static void drop_token(struct agent *agent) {
  if (agent->token)
    explicit_bzero(agent->token, strlen(agent->token));
  free(agent->token);
  agent->token = NULL;
  agent->token_expires_ms = 0;
}

/* Those of its processes that nobody works with: the next are started with the token of then. */
static void stop_unused(struct agent *agent) {
  for (struct process *process = agent->gw->processes; process; process = process->next)
    if (process->agent == agent && process->proc && process_sessions(process) == 0)
      process_stop(process);
}

void op_auth_token(struct call *call) {
  struct gateway *gw = call->gw;
  bp_str token = {NULL, 0};
  int64_t expires_s = 0;
  if (!find_agent(call))
    return;
  struct agent *agent = call->agent;
  if (get_flag(gw, call->args, "forget")) {
    drop_token(agent);
    stop_unused(agent);
    call_answer_raw(call, BP_LIT("{\"authenticated\":false}"));
    return;
  }
  if (!get_text(gw, call->args, "token", &token) || token.len == 0) {
    call_fail(call, 400, BP_E_INVALID, "", "Token is required");
    return;
  }
  if (token.len > TOKEN_MAX || memchr(token.ptr, '\0', token.len)) {
    call_fail(call, 400, BP_E_INVALID, "", "token must be at most 16384 bytes without NUL");
    return;
  }
  drop_token(agent);
  agent->token = str_dup(token);
  if (get_integer(gw, call->args, "expiresIn", &expires_s) && expires_s > 0 && expires_s < INT64_C(10000000000))
    agent->token_expires_ms = now_ms(gw) + expires_s * 1000;
  if (agent->needs_auth) {
    agent->needs_auth = false;
    stop_unused(agent);
  }
  tell_complete(agent);
  call_answer_raw(call, BP_LIT("{\"authenticated\":true}"));
}

/* ---- The gateway itself ---- */

/* The one answer without an envelope's data. */
void op_health(struct call *call) {
  const struct gateway *gw = call->gw;
  char time[KIT_TIME_BYTES];
  bp_json_writer w = writer(gw);
  if (!w) {
    call_fail(call, 503, BP_E_NO_MEMORY, "", "out of memory");
    return;
  }
  gw->json->object_begin(w);
  put_text(gw, w, "status", BP_LIT("healthy"));
  put_text(gw, w, "timestamp", time_text(now_ms(gw), time));
  gw->json->object_end(w);
  if (call->request) {
    gw->http->reply_json(call->request, 200, w);
    gw->json->writer_free(w);
  } else {
    call_answer(call, w);
  }
}

void op_info(struct call *call) {
  const struct gateway *gw = call->gw;
  unsigned running = 0, sessions = 0;
  for (uint32_t i = 0; i < gw->agent_count; i++)
    running += process_of(call->gw, &gw->agents[i]) != NULL;
  for (const struct session *session = gw->sessions; session; session = session->next)
    sessions++;
  bp_json_writer w = writer(gw);
  if (w) {
    gw->json->object_begin(w);
    put_text(gw, w, "name", BP_LIT("ACP Gateway"));
    put_text(gw, w, "version", BP_LIT("0.1.0"));
    put_text(gw, w, "workingDirectory", str_z(gw->folder));
    put_integer(gw, w, "runningAgents", running);
    put_integer(gw, w, "activeSessions", sessions);
    put_integer(gw, w, "connectedClients", gw->live->listeners(BP_LIT(PING_TOPIC)) + gw->live->listeners(BP_LIT(SESSION_PING_TOPIC)));
    gw->json->object_end(w);
  }
  call_answer(call, w);
}
