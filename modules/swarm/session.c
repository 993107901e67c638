/* The rules of a session: who gets which task, what happens when a worker is done or gone, and when it is over.
 *
 * Memory changes at once and the store follows in the same order (outbox.c); clients see what the store has. A task whose worker
 * died goes back to pending; it is taken by the next agent that is free, or by a new one where none lives any more. */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session *session_new(struct swarm *w, const char *id, bp_str prompt, uint32_t agent_count) {
  struct session *s = calloc(1, sizeof(*s));
  if (!s)
    return NULL;
  s->module = w;
  snprintf(s->id, sizeof(s->id), "%s", id);
  s->prompt = kit_text_copy(prompt);
  s->agent_count = agent_count;
  s->todos = calloc(TODOS_MOST, sizeof(*s->todos));
  if (!s->prompt.ptr || !s->todos) {
    kit_text_free(&s->prompt);
    free(s->todos);
    free(s);
    return NULL;
  }
  s->next = w->sessions;
  w->sessions = s;
  w->session_count++;
  return s;
}

struct session *session_find(const struct swarm *w, bp_str id) {
  struct session *s = w->sessions;
  while (s && !kit_same(id, s->id))
    s = s->next;
  return s;
}

void session_free(struct session *s) {
  struct swarm *w = s->module;
  struct session **at = &w->sessions;
  while (*at && *at != s)
    at = &(*at)->next;
  if (*at)
    *at = s->next;
  w->session_count--;
  decompose_cancel(s);
  outbox_free(s);
  if (s->is_replacing)
    w->loop->timer_cancel(s->replace_timer);
  while (s->agents) {
    struct agent *next = s->agents->next;
    worker_free(s->agents);
    free(s->agents);
    s->agents = next;
  }
  for (uint32_t i = 0; i < s->todo_count; i++)
    kit_text_free(&s->todos[i].description);
  free(s->todos);
  kit_text_free(&s->prompt);
  free(s);
  sessions_admit(w);
}

void session_settle(struct session *s) {
  if (!s->is_ended || s->first || s->in_flight > 0 || s->is_retrying)
    return;
  for (const struct agent *agent = s->agents; agent; agent = agent->next)
    if (worker_is_busy(agent))
      return;
  session_free(s);
}

/* ---- Small questions ---- */

static struct todo *next_pending(const struct session *s) {
  for (uint32_t i = 0; i < s->todo_count; i++)
    if (!s->todos[i].is_assigned && !s->todos[i].is_completed && !s->todos[i].has_failed)
      return &s->todos[i];
  return NULL;
}

static bool are_all_completed(const struct session *s) {
  for (uint32_t i = 0; i < s->todo_count; i++)
    if (!s->todos[i].is_completed)
      return false;
  return s->todo_count > 0;
}

static bool does_any_live(const struct session *s) {
  for (const struct agent *agent = s->agents; agent; agent = agent->next)
    if (agent->status != AGENT_TERMINATED)
      return true;
  return false;
}

/* ---- Single changes ---- */

static void end_session(struct session *s) {
  if (s->is_ended)
    return;
  s->is_ended = true;
  s->status = are_all_completed(s) ? SESSION_COMPLETED : SESSION_FAILED;
  outbox_session(s);
  event_complete(s);
  timeline_session(s);
}

static void assign(struct agent *agent, struct todo *todo) {
  todo->is_assigned = true;
  todo->agent = agent;
  agent->task = todo;
  agent->status = AGENT_WORKING;
  outbox_todo(agent->session, todo, bp_str_make(NULL, 0));
  outbox_agent(agent);
  event_task_assigned(agent);
  timeline_task(agent->session, todo, agent, "running");
}

static void terminate(struct agent *agent) {
  if (agent->status == AGENT_TERMINATED)
    return;
  agent->status = AGENT_TERMINATED;
  agent->task = NULL;
  outbox_agent(agent);
  event_terminated(agent);
}

/* The task of a worker that is gone. `has_died`: it counts. */
static void give_back(struct agent *agent, bool has_died) {
  struct todo *todo = agent->task;
  if (!todo)
    return;
  agent->task = NULL;
  todo->is_assigned = false;
  todo->agent = NULL;
  todo->deaths += has_died;
  todo->has_failed = todo->deaths > RETURNS_MOST;
  outbox_todo(agent->session, todo, bp_str_make(NULL, 0));
  timeline_task(agent->session, todo, agent, todo->has_failed ? "failed" : has_died ? "pending" : "cancelled");
}

struct agent *session_add_agent(struct session *s, const char *id) {
  struct agent *agent = calloc(1, sizeof(*agent)), **at = &s->agents;
  if (!agent)
    return NULL;
  agent->session = s;
  agent->position = s->agents_added++;
  if (id)
    snprintf(agent->id, sizeof(agent->id), "%s", id);
  else
    kit_uuid(s->module->core, agent->id);
  while (*at)
    at = &(*at)->next;
  *at = agent;
  return agent;
}

/* A new agent or one without a worker: it starts on a task, or there is none for it. */
static void employ(struct agent *agent) {
  struct todo *todo = next_pending(agent->session);
  outbox_agent(agent);
  if (!todo) {
    terminate(agent);
    return;
  }
  assign(agent, todo);
  worker_start(agent);
}

/* ---- The way of a session ---- */

static void replace(void *ctx, bp_timer timer) {
  struct session *s = ctx;
  (void)timer;
  s->is_replacing = false;
  if (s->is_ended || does_any_live(s) || !next_pending(s))
    return;
  struct agent *agent = session_add_agent(s, NULL);
  if (agent)
    employ(agent);
  else
    end_session(s);
}

/* After an agent has ended: is it over, or is somebody needed for what is left? */
static void look_on(struct session *s) {
  struct swarm *w = s->module;
  if (s->is_ended || does_any_live(s) || s->is_replacing)
    return;
  const struct todo *todo = next_pending(s);
  if (todo)
    s->is_replacing = w->loop->timer(w->self, REPLACE_MS << todo->deaths, 0, replace, s, &s->replace_timer) == BP_OK;
  if (!s->is_replacing)
    end_session(s);
}

static void add_agents(struct session *s) {
  for (uint32_t i = 0; i < s->agent_count; i++) {
    const struct agent *agent = session_add_agent(s, NULL);
    if (agent)
      outbox_agent(agent);
  }
}

/* Whose turn it is: the oldest that waits, as long as not too many are at work. */
static struct session *next_to_work(const struct swarm *w) {
  struct session *oldest = NULL;
  uint32_t at_work = 0;
  for (struct session *s = w->sessions; s; s = s->next) {
    if (s->is_waiting)
      oldest = s; /* new ones are put in front */
    at_work += !s->is_waiting && s->status != SESSION_DECOMPOSING;
  }
  return at_work < WORKING_MOST ? oldest : NULL;
}

void sessions_admit(struct swarm *w) {
  struct session *s;
  while (!w->is_draining && !worker_missing(w) && (s = next_to_work(w))) {
    s->is_waiting = false;
    for (struct agent *agent = s->agents; agent; agent = agent->next)
      if (agent->status != AGENT_TERMINATED)
        employ(agent);
    look_on(s);
  }
}

static void answer_begun(struct session *s) {
  create_answer(s, true);
}

bool session_begin(struct session *s, const struct kit_text *descriptions, uint32_t count) {
  const char *missing = worker_missing(s->module);
  s->status = SESSION_RUNNING;
  outbox_session(s);
  for (uint32_t i = 0; i < count && i < TODOS_MOST; i++) {
    struct todo *todo = &s->todos[s->todo_count];
    todo->description = kit_text_copy(kit_text_str(&descriptions[i]));
    if (!todo->description.ptr)
      return false;
    kit_uuid(s->module->core, todo->id);
    outbox_new_todo(s, todo, s->todo_count++);
    event_task_created(s, todo);
    timeline_task(s, todo, NULL, "pending");
  }
  timeline_session(s);
  if (missing)
    swarm_note(s->module, BP_LOG_WARN, missing, s->id);
  add_agents(s);
  s->is_waiting = true;
  sessions_admit(s->module);
  outbox_then(s, answer_begun);
  return true;
}

static void answer_failed(struct session *s) {
  create_answer(s, false);
}

void session_fail(struct session *s) {
  if (s->is_ended)
    return;
  s->is_ended = true;
  s->status = SESSION_FAILED;
  outbox_session(s);
  outbox_then(s, answer_failed);
  timeline_session(s);
}

void session_abort(struct session *s) {
  s->is_waiting = false;
  decompose_cancel(s);
  if (s->status == SESSION_DECOMPOSING) {
    session_fail(s);
    return;
  }
  for (struct agent *agent = s->agents; agent; agent = agent->next) {
    give_back(agent, false);
    terminate(agent);
    worker_kill(agent);
  }
  end_session(s);
}

/* ---- What workers do ---- */

static void after_task(struct agent *agent) {
  struct session *s = agent->session;
  struct todo *todo = next_pending(s);
  if (todo) {
    assign(agent, todo);
    worker_next(agent);
    return;
  }
  terminate(agent);
  worker_retire(agent);
  look_on(s);
}

void session_task_done(struct agent *agent, bp_str todo_id, bp_str result) {
  struct session *s = agent->session;
  struct todo *todo = agent->task;
  if (!todo || !kit_same(todo_id, todo->id)) {
    swarm_note(s->module, BP_LOG_WARN, "a worker completed a todo that is not the one it has; it is ignored", agent->id);
    return;
  }
  todo->is_completed = true;
  todo->is_assigned = false;
  agent->task = NULL;
  agent->status = AGENT_IDLE;
  outbox_todo(s, todo, result);
  outbox_agent(agent);
  event_task_completed(agent, todo, result);
  timeline_task(s, todo, agent, "done");
  if (are_all_completed(s)) {
    s->status = SESSION_COMPLETED;
    outbox_session(s);
  }
  after_task(agent);
}

void session_agent_gone(struct agent *agent) {
  struct session *s = agent->session;
  if (s->module->is_draining)
    return; /* it ended with the host; the store says what it was at, and the next start goes on from there */
  give_back(agent, true);
  terminate(agent);
  look_on(s);
  session_settle(s);
}

void session_go_on(struct session *s) {
  const char *missing = worker_missing(s->module);
  if (missing)
    swarm_note(s->module, BP_LOG_WARN, missing, s->id);
  s->is_waiting = true;
}
