/* Agent programs as children: starting one, its handshake, its output and its end. */
#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTBOX_MAX (32u << 20)
#define PIECE_MAX (512u << 10)
#define LAST_WORDS_BYTES 2048
#define LAST_WORDS_SHOWN 300

struct waiter {
  struct waiter *next;
  ready_fn done;
  void *ctx;
};

struct process *process_ref(struct process *process) {
  process->references++;
  return process;
}

void process_unref(struct process *process) {
  if (--process->references > 0)
    return;
  kit_buf_free(&process->inbox);
  kit_buf_free(&process->outbox);
  free(process->env_key);
  free(process->last_words);
  free(process->capabilities);
  free(process->auth_methods);
  free(process);
}

struct process *process_of(struct gateway *gw, const struct agent *agent) {
  for (struct process *process = gw->processes; process; process = process->next)
    if (process->agent == agent && process->proc && !process->is_stopping)
      return process;
  return NULL;
}

unsigned process_sessions(const struct process *process) {
  unsigned count = 0;
  for (const struct session *session = process->gw->sessions; session; session = session->next)
    count += session->process == process;
  return count;
}

const char *agent_status(const struct agent *agent) {
  const struct process *process = process_of(agent->gw, agent);
  if (agent->needs_auth)
    return "auth_required";
  if (!process)
    return agent->error ? "error" : "stopped";
  return process->is_ready ? "running" : "starting";
}

/* ---- Writing, with a queue behind the pipe's ---- */

static void flush(struct process *process) {
  size_t sent = 0;
  while (sent < process->outbox.len) {
    size_t left = process->outbox.len - sent;
    bp_str piece = bp_str_make(process->outbox.ptr + sent, left < PIECE_MAX ? left : PIECE_MAX);
    if (process->gw->proc->write(process->proc, piece) != BP_OK)
      break;
    sent += piece.len;
  }
  if (sent == process->outbox.len) {
    kit_buf_free(&process->outbox);
    return;
  }
  memmove(process->outbox.ptr, process->outbox.ptr + sent, process->outbox.len - sent);
  process->outbox.len -= sent;
}

void process_write(struct process *process, bp_str bytes) {
  if (!process->proc)
    return;
  if (!kit_buf_add(&process->outbox, bytes, OUTBOX_MAX)) {
    note(process->gw, BP_LOG_ERROR, "agent %s does not read: %u bytes wait for it, it is ended", process->agent->id, OUTBOX_MAX);
    process_stop(process);
    return;
  }
  flush(process);
}

static void on_drained(void *ctx, bp_proc proc) {
  struct process *process = ctx;
  (void)proc;
  if (process->outbox.len)
    flush(process);
}

void process_balance(struct gateway *gw) {
  bool is_full = gw->writes >= WRITES_PAUSE, is_calm = gw->writes <= WRITES_PAUSE / 4;
  for (struct process *process = gw->processes; process; process = process->next) {
    if (!process->proc || (process->is_paused ? !is_calm : !is_full))
      continue;
    process->is_paused = !process->is_paused;
    gw->proc->pause_output(process->proc, process->is_paused);
  }
}

/* ---- Life ---- */

static void tell_waiters(struct process *process, struct process *found, const char *error) {
  struct waiter *waiters = process->waiters;
  process->waiters = NULL;
  while (waiters) {
    struct waiter *next = waiters->next;
    waiters->done(waiters->ctx, found, error);
    free(waiters);
    waiters = next;
  }
}

static void set_error(struct agent *agent, bp_str text) {
  free(agent->error);
  agent->error = str_dup(text);
}

static void keep_last_words(struct process *process, bp_str data) {
  if (!process->last_words)
    process->last_words = malloc(LAST_WORDS_BYTES);
  if (process->last_words)
    kit_keep_tail(process->last_words, &process->last_words_len, LAST_WORDS_BYTES, data);
}

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct process *process = ctx;
  (void)proc;
  process->activity_ms = now_ms(process->gw);
  if (stream == BP_PROC_STDOUT) {
    rpc_input(process, data);
    return;
  }
  keep_last_words(process, data);
}

static void detach_sessions(struct process *process, const char *why) {
  for (struct session *session = process->gw->sessions; session;) {
    struct session *next = session->next;
    if (session->process == process) {
      session_ref(session);
      session_detach(session, why);
      next = session->next;
      session_unref(session);
    }
    session = next;
  }
}

static void unlink_process(struct process *process) {
  for (struct process **link = &process->gw->processes; *link; link = &(*link)->next)
    if (*link == process) {
      *link = process->next;
      return;
    }
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *ended) {
  struct process *process = ctx;
  struct gateway *gw = process->gw;
  struct kit_buf why = {0};
  (void)proc;
  process->proc = 0;
  gw->loop->timer_cancel(process->slow);
  kit_buf_add(&why, ended->why == BP_PROC_NOT_STARTED ? BP_LIT("the agent could not be started") : BP_LIT("the agent has ended"), 1024);
  bp_str line = kit_telling_line(bp_str_make(process->last_words, process->last_words_len));
  if (!process->is_stopping && line.len) {
    kit_buf_add(&why, BP_LIT(": "), 1024);
    text_add_utf8(&why, bp_str_make(line.ptr, line.len < LAST_WORDS_SHOWN ? line.len : LAST_WORDS_SHOWN), 4096);
  }
  if (!process->is_stopping) {
    set_error(process->agent, kit_buf_str(&why));
    note(gw, BP_LOG_WARN, "agent %s ended by itself (code %d, signal %d)", process->agent->id, ended->code, ended->signal);
  }
  unlink_process(process);
  rpc_gone(process);
  detach_sessions(process, why.ptr ? why.ptr : "the agent has ended");
  tell_waiters(process, NULL, why.ptr ? why.ptr : "the agent has ended");
  if (!gw->is_draining)
    event_agent_status(process->agent);
  kit_buf_free(&why);
  process_unref(process); /* the list's */
}

void process_stop(struct process *process) {
  process->is_stopping = true;
  process->gw->proc->close_stdin(process->proc);
  process->gw->proc->stop(process->proc);
}

/* ---- The handshake ---- */

static void on_initialized(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  struct gateway *gw = ctx;
  int64_t version = 0;
  (void)code;
  if (!process->proc || process->is_stopping)
    return;
  if (!result || (get_integer(gw, result, "protocolVersion", &version) && version != 1)) {
    set_error(process->agent, result ? BP_LIT("the agent speaks another version of the protocol than 1") : message);
    process_stop(process);
    return;
  }
  bp_json can = get_value(gw, result, "agentCapabilities"), session = get_value(gw, can, "sessionCapabilities");
  process->can_load = get_flag(gw, can, "loadSession");
  process->can_list = get_value(gw, session, "list") != 0;
  process->can_resume = get_value(gw, session, "resume") != 0;
  process->can_close = get_value(gw, session, "close") != 0;
  process->capabilities = json_copy(gw, can);
  process->auth_methods = json_copy(gw, get_value(gw, result, "authMethods"));
  process->is_ready = true;
  gw->loop->timer_cancel(process->slow);
  free(process->agent->error);
  process->agent->error = NULL;
  event_agent_status(process->agent);
  tell_waiters(process, process, NULL);
}

static void shake_hands(struct process *process) {
  struct gateway *gw = process->gw;
  const bp_json_1 *json = gw->json;
  bp_json_writer w = writer(gw);
  if (w) {
    json->object_begin(w);
    put_integer(gw, w, "protocolVersion", 1);
    json->key(w, BP_LIT("clientCapabilities"));
    json->put_raw(w, process->agent->has_own_files ? BP_LIT("{\"fs\":{\"readTextFile\":false,\"writeTextFile\":false},\"terminal\":true}")
                                                   : BP_LIT("{\"fs\":{\"readTextFile\":true,\"writeTextFile\":true},\"terminal\":true}"));
    json->key(w, BP_LIT("clientInfo"));
    json->object_begin(w);
    put_text(gw, w, "name", BP_LIT("backplane"));
    put_text(gw, w, "title", BP_LIT("Backplane ACP gateway"));
    put_text(gw, w, "version", gw->core->host_version());
    json->object_end(w);
    json->object_end(w);
  }
  rpc_request(process, "initialize", w, on_initialized, gw);
}

static void on_too_slow(void *ctx, bp_timer timer) {
  struct process *process = ctx;
  (void)timer;
  if (process->proc && !process->is_ready && !process->is_stopping) {
    set_error(process->agent, BP_LIT("the agent did not answer in time"));
    tell_waiters(process, NULL, "the agent did not answer in time");
    process_stop(process);
  }
}

/* ---- Starting ---- */

static const bp_proc_events events = {.size = sizeof(events), .output = on_output, .stdin_drained = on_drained, .exited = on_exited};

static void add_env(bp_proc_env *env, uint32_t *count, bp_str name, bp_str value) {
  for (uint32_t i = 0; i < *count; i++)
    if (str_eq(env[i].name, name)) {
      env[i].value = value;
      return;
    }
  env[(*count)++] = (bp_proc_env){.size = sizeof(bp_proc_env), .is_secret = 1, .name = name, .value = value};
}

/* The agent's own variables, its token, and those of the request, which win. */
static bp_proc_env *environment(const struct agent *agent, bp_json extra, uint32_t *ret_count) {
  const struct gateway *gw = agent->gw;
  uint32_t more = extra ? gw->json->count(extra) : 0;
  bp_proc_env *env = calloc((size_t)agent->env_count + more + 2, sizeof(*env));
  uint64_t cursor = 0;
  bp_str name, value;
  bp_json item = 0;
  if (!env)
    return NULL;
  for (uint32_t i = 0; i < agent->env_count; i++)
    add_env(env, ret_count, str_z(agent->env[2 * i]), str_z(agent->env[2 * i + 1]));
  if (agent->token && agent->auth_env)
    add_env(env, ret_count, str_z(agent->auth_env), str_z(agent->token));
  while (extra && gw->json->next(extra, &cursor, &name, &item) == BP_OK)
    if (gw->json->string(item, &value) == BP_OK)
      add_env(env, ret_count, name, value);
  return env;
}

static bp_status spawn(struct process *process, bp_json extra, bp_str cwd, bp_error *err) {
  struct agent *agent = process->agent;
  struct gateway *gw = agent->gw;
  uint32_t env_count = 0;
  bp_str argv[64];
  bp_proc_env *env = environment(agent, extra, &env_count);
  if (!env)
    return BP_E_NO_MEMORY;
  for (uint32_t i = 0; i < agent->argc; i++)
    argv[i] = str_z(agent->argv[i]);
  const bp_proc_spec spec = {.size = sizeof(spec),
                             .lifetime = BP_PROC_BOUND,
                             .flags = BP_PROC_RAW_OUTPUT | BP_PROC_STDIN,
                             .name = str_z(agent->id),
                             .argv = {argv, agent->argc, (uint32_t)sizeof(argv[0])},
                             .cwd = cwd.len ? cwd : str_z(gw->folder),
                             .env = {env, env_count, (uint32_t)sizeof(env[0])},
                             .grace_ms = 2000};
  bp_status status = gw->proc->spawn(gw->self, &spec, &events, process, &process->proc, err);
  free(env);
  if (status == BP_E_NOT_FOUND) {
    size_t len = strlen(err->message);
    snprintf(err->message + len, sizeof(err->message) - len, "; install it, or name it in the option \"agents\" of the module acp-gateway");
  }
  return status;
}

static unsigned count_processes(const struct gateway *gw) {
  unsigned count = 0;
  for (const struct process *process = gw->processes; process; process = process->next)
    count++;
  return count;
}

static struct process *begin(struct agent *agent, bp_json env, bp_str cwd, bp_error *err) {
  struct gateway *gw = agent->gw;
  struct process *process = count_processes(gw) < PROCESSES_MAX ? calloc(1, sizeof(*process)) : NULL;
  if (!process) {
    err->message[0] = '\0';
    return NULL;
  }
  *process = (struct process){.gw = gw, .agent = agent, .references = 1, .started_ms = now_ms(gw), .activity_ms = now_ms(gw)};
  process->env_key = env && gw->json->count(env) ? json_copy(gw, env) : NULL;
  if (spawn(process, env, cwd, err) != BP_OK) {
    process_unref(process);
    return NULL;
  }
  process->next = gw->processes;
  gw->processes = process;
  agent->needs_auth = false;
  event_agent_status(agent);
  gw->loop->timer(gw->self, gw->start_timeout_ms, 0, on_too_slow, process, &process->slow);
  shake_hands(process);
  return process;
}

static struct process *find(struct agent *agent, bp_json env) {
  struct gateway *gw = agent->gw;
  char *key = env && gw->json->count(env) ? json_copy(gw, env) : NULL;
  struct process *found = NULL;
  for (struct process *process = gw->processes; process && !found; process = process->next)
    if (process->agent == agent && process->proc && !process->is_stopping && (!key || (process->env_key && strcmp(process->env_key, key) == 0)))
      found = process;
  free(key);
  return found;
}

void process_need(struct agent *agent, bp_json env, bp_str cwd, ready_fn done, void *ctx) {
  bp_error err = BP_ERROR_INIT;
  struct process *process = find(agent, env);
  struct waiter *waiter;
  if (!process)
    process = begin(agent, env, cwd, &err);
  if (!process) {
    const char *why = err.message[0] ? err.message : "too many agents run";
    set_error(agent, str_z(why));
    event_agent_status(agent);
    done(ctx, NULL, why);
    return;
  }
  if (process->is_ready) {
    done(ctx, process, NULL);
    return;
  }
  waiter = calloc(1, sizeof(*waiter));
  if (!waiter) {
    done(ctx, NULL, "out of memory");
    return;
  }
  *waiter = (struct waiter){.next = process->waiters, .done = done, .ctx = ctx};
  process->waiters = waiter;
}
