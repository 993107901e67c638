/* What clients are told of a session: names and members of the events, as they know them. */
#include "swarm.h"

/* A new payload with its first member; 0 without memory, which then is no event. */
static bp_json_writer begin(const struct swarm *w, bp_str name, const char *id) {
  bp_json_writer out = 0;
  if (w->json->writer_new(w->self, &out) != BP_OK)
    return 0;
  w->json->object_begin(out);
  json_text_member(w->json, out, name, str_z(id));
  return out;
}

static void send(struct session *s, const char *name, bp_json_writer out, bool is_log) {
  s->module->json->object_end(out);
  outbox_event(s, name, out, is_log);
}

void event_task_created(struct session *s, const struct todo *todo) {
  const bp_json_1 *json = s->module->json;
  bp_json_writer out = begin(s->module, BP_LIT("id"), todo->id);
  if (!out)
    return;
  json_text_member(json, out, BP_LIT("description"), kit_text_str(&todo->description));
  json_text_member(json, out, BP_LIT("status"), BP_LIT("pending"));
  json->key(out, BP_LIT("assignedTo"));
  json->put_null(out);
  send(s, "task:created", out, false);
}

void event_task_assigned(const struct agent *agent) {
  const struct swarm *w = agent->session->module;
  bp_json_writer out = begin(w, BP_LIT("todoId"), agent->task->id);
  if (!out)
    return;
  json_text_member(w->json, out, BP_LIT("agentId"), str_z(agent->id));
  send(agent->session, "task:assigned", out, false);
}

void event_task_completed(const struct agent *agent, const struct todo *todo, bp_str result) {
  const struct swarm *w = agent->session->module;
  bp_json_writer out = begin(w, BP_LIT("todoId"), todo->id);
  if (!out)
    return;
  json_text_member(w->json, out, BP_LIT("agentId"), str_z(agent->id));
  if (result.len) {
    w->json->key(out, BP_LIT("result"));
    w->json->put_raw(out, result);
  }
  send(agent->session, "task:completed", out, false);
}

void event_said(const struct agent *agent, bool is_reasoning, bp_str text) {
  const struct swarm *w = agent->session->module;
  bp_json_writer out = begin(w, BP_LIT("agentId"), agent->id);
  if (!out)
    return;
  json_text_member(w->json, out, is_reasoning ? BP_LIT("reasoning") : BP_LIT("action"), kit_cut(text, SAID_BYTES));
  w->json->key(out, BP_LIT("timestamp"));
  w->json->put_integer(out, now_ms(w));
  send(agent->session, is_reasoning ? "agent:reasoning" : "agent:thinking", out, true);
}

void event_terminated(const struct agent *agent) {
  bp_json_writer out = begin(agent->session->module, BP_LIT("agentId"), agent->id);
  if (out)
    send(agent->session, "agent:terminated", out, false);
}

void event_complete(struct session *s) {
  bp_json_writer out = begin(s->module, BP_LIT("sessionId"), s->id);
  if (out)
    send(s, "session:complete", out, false);
}
