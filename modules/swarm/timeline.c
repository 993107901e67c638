/* Telling the timeline, where there is one: the session as its root, each task below it, and below these the children
 * that are workers. What an ACP agent does is put by its gateway. */
#include "swarm.h"

#include <stdio.h>
#include <string.h>

static void ignored(void *ctx, bp_status status, bp_str payload) {
  (void)ctx, (void)status, (void)payload; /* whoever serves the timeline may be absent */
}

static void put_id(const struct swarm *w, bp_json_writer out, const char *name, const char *prefix, const char *id) {
  char text[KIT_UUID_BYTES + 16];
  snprintf(text, sizeof(text), "%s%s", prefix, id);
  json_text_member(w->json, out, str_z(name), str_z(text));
}

static void put_number(const struct swarm *w, bp_json_writer out, bp_str name, int64_t value) {
  w->json->key(out, name);
  w->json->put_integer(out, value);
}

static bp_json_writer begin(const struct session *s, const char *status, bp_str title) {
  const struct swarm *w = s->module;
  bp_json_writer out = 0;
  if (w->is_draining || w->json->writer_new(w->self, &out) != BP_OK)
    return 0;
  w->json->object_begin(out);
  json_text_member(w->json, out, BP_LIT("module"), BP_LIT("swarm"));
  json_text_member(w->json, out, BP_LIT("session_id"), str_z(s->id));
  json_text_member(w->json, out, BP_LIT("status"), str_z(status));
  json_text_member(w->json, out, BP_LIT("title"), kit_cut(title, 200));
  return out;
}

static void send(const struct swarm *w, bp_json_writer out) {
  kit_service_call(w->self, w->service, w->json, BP_LIT("timeline/1"), BP_LIT("put"), out, 0, ignored, NULL);
}

void timeline_session(const struct session *s) {
  const struct swarm *w = s->module;
  bool has_worked = s->is_ended && s->status == SESSION_COMPLETED;
  bp_json_writer out = begin(s, !s->is_ended ? "running" : has_worked ? "done" : "failed", kit_text_str(&s->prompt));
  if (!out)
    return;
  put_id(w, out, "id", "swarm.session:", s->id);
  w->json->key(out, BP_LIT("parent"));
  w->json->put_null(out);
  json_text_member(w->json, out, BP_LIT("kind"), BP_LIT("session"));
  put_number(w, out, s->is_ended ? BP_LIT("ended_ms") : BP_LIT("started_ms"), now_ms(w));
  send(w, out);
}

void timeline_task(const struct session *s, const struct todo *todo, const struct agent *agent, const char *status) {
  const struct swarm *w = s->module;
  bp_json_writer out = begin(s, status, kit_text_str(&todo->description));
  if (!out)
    return;
  put_id(w, out, "id", "swarm.task:", todo->id);
  put_id(w, out, "parent", "swarm.session:", s->id);
  json_text_member(w->json, out, BP_LIT("kind"), BP_LIT("task"));
  if (agent)
    json_text_member(w->json, out, BP_LIT("agent_id"), str_z(agent->id));
  json_text_member(w->json, out, BP_LIT("task_id"), str_z(todo->id));
  if (strcmp(status, "running") == 0)
    put_number(w, out, BP_LIT("started_ms"), now_ms(w));
  else if (strcmp(status, "pending") != 0)
    put_number(w, out, BP_LIT("ended_ms"), now_ms(w));
  send(w, out);
}

void timeline_process(const struct agent *agent, const struct todo *parent, int64_t pid, const char *status) {
  const struct session *s = agent->session;
  const struct swarm *w = s->module;
  bp_json_writer out = begin(s, status, BP_LIT("worker"));
  if (!out)
    return;
  put_id(w, out, "id", "swarm.worker:", agent->id);
  if (parent)
    put_id(w, out, "parent", "swarm.task:", parent->id);
  json_text_member(w->json, out, BP_LIT("kind"), BP_LIT("process"));
  json_text_member(w->json, out, BP_LIT("agent_id"), str_z(agent->id));
  if (pid > 0)
    put_number(w, out, BP_LIT("pid"), pid);
  put_number(w, out, strcmp(status, "running") == 0 ? BP_LIT("started_ms") : BP_LIT("ended_ms"), now_ms(w));
  send(w, out);
}
