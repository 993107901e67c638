/* Workers that are commands: a child of its own for each agent, the first task in its environment, the next ones on its stdin, one
 * JSON object a line both ways. Which agent gets what is decided in session.c. */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MOST 32u
#define VARIABLES_MOST 64u
#define DESCRIPTION_BYTES (64u * 1024) /* of one environment variable; the kernel takes 128 KiB */
#define START_AGAIN_MS 500
#define DEFAULT_SCRIPT "workers/worker.py"

/* ---- The command ---- */

/* The option project_root, below the folder the host was started in. */
bp_str worker_folder(const struct swarm *w, char path[4096]) {
  bp_str root = option_text(w, BP_LIT("project_root")), start = w->core->start_folder(w->self);
  if (root.len > 0 && root.ptr[0] == '/')
    return root;
  snprintf(path, 4096, "%.*s%s%.*s", (int)start.len, start.ptr, root.len ? "/" : "", (int)root.len, root.len ? root.ptr : "");
  return str_z(path);
}

static bool has_default_script(const struct swarm *w) {
  char root[4096], path[4200];
  bp_str folder = worker_folder(w, root);
  snprintf(path, sizeof(path), "%.*s/" DEFAULT_SCRIPT, (int)folder.len, folder.ptr);
  return access(path, R_OK) == 0;
}

static bool has_command(const struct swarm *w) {
  return w->config->entry_count(w->self, BP_LIT("worker")) > 0 || has_default_script(w);
}

bool acp_is_used(const struct swarm *w) {
  return !has_command(w) && option_text(w, BP_LIT("acp_agent")).len > 0;
}

const char *worker_missing(const struct swarm *w) {
  if (has_command(w) || acp_is_used(w))
    return NULL;
  return "no worker is configured: tasks stay pending (set the option worker or acp_agent, or put " DEFAULT_SCRIPT " into project_root)";
}

static uint32_t arguments(const struct swarm *w, bp_str argv[ARGUMENTS_MOST]) {
  uint32_t count = w->config->entry_count(w->self, BP_LIT("worker"));
  if (count == 0) {
    argv[0] = option_text(w, BP_LIT("python"));
    argv[1] = BP_LIT(DEFAULT_SCRIPT);
    return 2;
  }
  if (count > ARGUMENTS_MOST)
    count = ARGUMENTS_MOST;
  for (uint32_t i = 0; i < count; i++) {
    bp_str key;
    w->config->entry(w->self, BP_LIT("worker"), i, &key, &argv[i]);
  }
  return count;
}

static void put_variable(bp_proc_env *env, uint32_t *count, bp_str name, bp_str value, bool is_secret) {
  if (value.ptr)
    env[(*count)++] = (bp_proc_env){.size = sizeof(bp_proc_env), .is_secret = is_secret, .name = name, .value = value};
}

static uint32_t variables(const struct agent *agent, bp_proc_env env[VARIABLES_MOST]) {
  const struct swarm *w = agent->session->module;
  uint32_t count = 0, more = w->config->entry_count(w->self, BP_LIT("worker_env"));
  bp_str e2b = option_text(w, BP_LIT("e2b_api_key")), dedalus = option_text(w, BP_LIT("dedalus_api_key"));
  put_variable(env, &count, BP_LIT("SESSION_ID"), str_z(agent->session->id), false);
  put_variable(env, &count, BP_LIT("AGENT_ID"), str_z(agent->id), false);
  put_variable(env, &count, BP_LIT("TASK_ID"), str_z(agent->task->id), false);
  put_variable(env, &count, BP_LIT("TASK_DESCRIPTION"), kit_cut(kit_text_str(&agent->task->description), DESCRIPTION_BYTES), false);
  put_variable(env, &count, BP_LIT("SOCKET_URL"), option_text(w, BP_LIT("socket_url")), false);
  put_variable(env, &count, BP_LIT("E2B_API_KEY"), e2b.ptr ? e2b : BP_LIT(""), true);
  put_variable(env, &count, BP_LIT("DEDALUS_API_KEY"), dedalus.ptr ? dedalus : BP_LIT(""), true);
  for (uint32_t i = 0; i < more && count < VARIABLES_MOST; i++) {
    bp_str name = {NULL, 0}, value = {NULL, 0};
    w->config->entry(w->self, BP_LIT("worker_env"), i, &name, &value);
    put_variable(env, &count, name, value, true);
  }
  return count;
}

/* ---- Output ---- */

static void end_line(struct agent *agent) {
  if (agent->is_line_too_long)
    swarm_note(agent->session->module, BP_LOG_WARN, "a worker wrote a line of more than 1 MiB; it is passed over", agent->id);
  else if (agent->line_len > 0)
    protocol_line(agent, bp_str_make(agent->line, agent->line_len));
  agent->line_len = 0;
  agent->is_line_too_long = false;
}

static void keep_piece(struct agent *agent, bp_str piece) {
  if (agent->is_line_too_long || piece.len == 0)
    return;
  if (piece.len > LINE_BYTES - agent->line_len) {
    agent->is_line_too_long = true;
    return;
  }
  char *grown = realloc(agent->line, agent->line_len + piece.len);
  if (!grown) {
    agent->is_line_too_long = true;
    return;
  }
  agent->line = grown;
  memcpy(agent->line + agent->line_len, piece.ptr, piece.len);
  agent->line_len += piece.len;
}

/* What it writes to stderr is for people: into the log, as it comes. */
static void errors(struct agent *agent, bp_str data) {
  while (data.len > 0) {
    const char *end = memchr(data.ptr, '\n', data.len);
    size_t len = end ? (size_t)(end - data.ptr) : data.len;
    protocol_stray(agent, bp_str_make(data.ptr, len));
    data = bp_str_make(data.ptr + len + (end != NULL), data.len - len - (end != NULL));
  }
}

static void output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct agent *agent = ctx;
  const char *end;
  (void)proc;
  agent->heard_ns = agent->session->module->core->now_monotonic_ns();
  if (stream != BP_PROC_STDOUT) {
    errors(agent, data);
    return;
  }
  while (data.len > 0 && (end = memchr(data.ptr, '\n', data.len))) {
    size_t len = (size_t)(end - data.ptr);
    keep_piece(agent, bp_str_make(data.ptr, len));
    end_line(agent);
    data = bp_str_make(end + 1, data.len - len - 1);
  }
  keep_piece(agent, data);
}

/* ---- Silence ---- */

static int64_t idle_limit_ms(const struct swarm *w) {
  int64_t limit_s = 0;
  w->config->integer(w->self, BP_LIT("worker_idle_timeout_s"), &limit_s);
  return limit_s * 1000;
}

static void watch_idle(struct agent *agent, int64_t delay_ms);

/* Silence counts while it has a task and is not held up by us. */
static void look_idle(void *ctx, bp_timer timer) {
  struct agent *agent = ctx;
  struct swarm *w = agent->session->module;
  int64_t silent_ms = (w->core->now_monotonic_ns() - agent->heard_ns) / 1000000, limit_ms = idle_limit_ms(w);
  (void)timer;
  agent->is_timed = false;
  if (!agent->task || agent->session->is_held) {
    watch_idle(agent, limit_ms);
  } else if (silent_ms < limit_ms) {
    watch_idle(agent, limit_ms - silent_ms);
  } else {
    swarm_note(w, BP_LOG_WARN, "a worker said nothing for worker_idle_timeout_s; it is stopped", agent->id);
    w->proc->stop(agent->proc);
  }
}

static void watch_idle(struct agent *agent, int64_t delay_ms) {
  struct swarm *w = agent->session->module;
  if (delay_ms > 0)
    agent->is_timed = w->loop->timer(w->self, delay_ms, 0, look_idle, agent, &agent->idle_timer) == BP_OK;
}

static void end_watch(struct agent *agent) {
  if (agent->is_timed)
    agent->session->module->loop->timer_cancel(agent->idle_timer);
  agent->is_timed = false;
}

/* ---- Its end ---- */

static void exited(void *ctx, bp_proc proc, const bp_proc_exit *how) {
  struct agent *agent = ctx;
  struct swarm *w = agent->session->module;
  (void)proc;
  end_line(agent);
  end_watch(agent);
  agent->has_proc = false;
  if (how->why != BP_PROC_NOT_STARTED)
    timeline_process(agent, NULL, 0, how->code == 0 ? "done" : how->why == BP_PROC_STOPPED ? "cancelled" : "failed");
  if (agent->is_retiring)
    w->loop->timer_cancel(agent->retire_timer);
  agent->is_retiring = false;
  if (agent->task && !w->is_draining)
    swarm_note(w, BP_LOG_WARN,
               how->why == BP_PROC_NOT_STARTED ? "a worker could not be started"
               : how->signal                   ? "a worker was killed while it had a task"
                                               : "a worker ended while it had a task",
               agent->id);
  session_agent_gone(agent);
}

/* ---- Starting and ending ---- */

static void start_failed(void *ctx, bp_timer timer) {
  struct agent *agent = ctx;
  (void)timer;
  agent->is_retiring = false;
  session_agent_gone(agent);
}

static void started(void *ctx, bp_proc proc, int64_t pid) {
  struct agent *agent = ctx;
  (void)proc;
  timeline_process(agent, agent->task, pid, "running");
}

static bp_status spawn(struct agent *agent, bp_error *err) {
  static const bp_proc_events events = {.size = sizeof(events), .started = started, .output = output, .exited = exited};
  struct swarm *w = agent->session->module;
  char root[4096];
  bp_str argv[ARGUMENTS_MOST];
  bp_proc_env env[VARIABLES_MOST];
  uint32_t argument_count = arguments(w, argv), variable_count = variables(agent, env);
  const bp_proc_spec spec = {
      .size = sizeof(spec),
      .lifetime = BP_PROC_BOUND,
      .flags = BP_PROC_STDIN | BP_PROC_RAW_OUTPUT,
      .name = BP_LIT("worker"),
      .argv = {argv, argument_count, sizeof(argv[0])},
      .cwd = worker_folder(w, root),
      .env = {env, variable_count, sizeof(env[0])},
  };
  return w->proc->spawn(w->self, &spec, &events, agent, &agent->proc, err);
}

static void start_again(void *ctx, bp_timer timer);

void worker_start(struct agent *agent) {
  struct swarm *w = agent->session->module;
  bp_error err = BP_ERROR_INIT;
  if (acp_is_used(w)) {
    acp_start(agent);
    return;
  }
  bp_status status = spawn(agent, &err);
  agent->has_proc = status == BP_OK;
  if (status == BP_OK) {
    agent->heard_ns = w->core->now_monotonic_ns();
    watch_idle(agent, idle_limit_ms(w));
    if (agent->session->is_held)
      worker_hold(agent, true);
    return;
  }
  bool is_later = status == BP_E_LIMIT; /* of the host, for all children: that is not the task's fault */
  if (!is_later)
    swarm_note(w, BP_LOG_WARN, err.message, agent->id);
  agent->is_retiring =
      w->loop->timer(w->self, is_later ? START_AGAIN_MS : 0, 0, is_later ? start_again : start_failed, agent, &agent->retire_timer) == BP_OK;
}

static void start_again(void *ctx, bp_timer timer) {
  struct agent *agent = ctx;
  (void)timer;
  agent->is_retiring = false;
  if (agent->task)
    worker_start(agent);
  else
    session_settle(agent->session); /* aborted meanwhile */
}

void worker_next(struct agent *agent) {
  struct swarm *w = agent->session->module;
  bp_json_writer out = 0;
  if (acp_is_used(w)) {
    acp_start(agent);
    return;
  }
  if (w->json->writer_new(w->self, &out) == BP_OK) {
    w->json->object_begin(out);
    json_text_member(w->json, out, BP_LIT("taskId"), str_z(agent->task->id));
    json_text_member(w->json, out, BP_LIT("description"), kit_text_str(&agent->task->description));
    w->json->object_end(out);
  }
  struct kit_text line = kit_text_of_writer(w->json, out);
  bp_status status = BP_E_NO_MEMORY;
  if (line.ptr) {
    line.ptr[line.len] = '\n'; /* in the place of the NUL */
    status = w->proc->write(agent->proc, bp_str_make(line.ptr, line.len + 1));
  }
  kit_text_free(&line);
  agent->heard_ns = w->core->now_monotonic_ns();
  if (status != BP_OK)
    w->proc->stop(agent->proc); /* it has ended or does not read; its exit gives the task back */
}

static void kill_now(void *ctx, bp_timer timer) {
  struct agent *agent = ctx;
  (void)timer;
  agent->is_retiring = false;
  worker_kill(agent);
}

void worker_retire(struct agent *agent) {
  struct swarm *w = agent->session->module;
  if (!agent->has_proc || agent->is_retiring)
    return;
  w->proc->close_stdin(agent->proc);
  agent->is_retiring = w->loop->timer(w->self, RETIRE_MS, 0, kill_now, agent, &agent->retire_timer) == BP_OK;
}

void worker_kill(struct agent *agent) {
  if (agent->has_proc)
    agent->session->module->proc->stop(agent->proc);
  acp_kill(agent);
}

void worker_hold(const struct agent *agent, bool is_held) {
  if (agent->has_proc)
    agent->session->module->proc->pause_output(agent->proc, is_held);
}

bool worker_is_busy(const struct agent *agent) {
  return agent->has_proc || agent->is_retiring || agent->acp_calls > 0;
}

void worker_free(struct agent *agent) {
  end_watch(agent);
  if (agent->is_retiring)
    agent->session->module->loop->timer_cancel(agent->retire_timer);
  acp_free(agent);
  free(agent->line);
}
