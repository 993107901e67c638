/* One line of a worker's output. The protocol is one JSON object a line; anything else a worker prints is its own affair. */
#include "swarm.h"

#include <stdio.h>

static bp_str member(const struct swarm *w, bp_json line, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (w->json->get(line, name, &value) == BP_OK)
    w->json->string(value, &text);
  return text;
}

static void on_log(struct agent *agent, bp_json line) {
  const struct swarm *w = agent->session->module;
  bp_str action = member(w, line, BP_LIT("action")), reasoning = member(w, line, BP_LIT("reasoning"));
  if (action.ptr)
    event_said(agent, false, action);
  if (reasoning.ptr)
    event_said(agent, true, reasoning);
}

static void on_sandbox(struct agent *agent, bp_json line) {
  const struct swarm *w = agent->session->module;
  bp_str id = kit_cut(member(w, line, BP_LIT("sandboxId")), 1024), url = kit_cut(member(w, line, BP_LIT("streamUrl")), 4096);
  char sentence[1200];
  outbox_sandbox(agent, id, url);
  snprintf(sentence, sizeof(sentence), "Sandbox ready: %.*s", (int)id.len, id.len ? id.ptr : "");
  event_said(agent, false, str_z(sentence));
}

static void on_complete(struct agent *agent, bp_json line) {
  const struct swarm *w = agent->session->module;
  bp_json value = 0;
  bp_json_writer out = 0;
  struct kit_text result = {NULL, 0};
  bool has_result = w->json->get(line, BP_LIT("result"), &value) == BP_OK && w->json->type(value) != BP_JSON_NULL;
  if (has_result && w->json->writer_new(w->self, &out) == BP_OK) {
    w->json->put_value(out, value);
    result = kit_text_of_writer(w->json, out);
  }
  session_task_done(agent, member(w, line, BP_LIT("todoId")), kit_text_str(&result));
  kit_text_free(&result);
}

static const struct {
  const char *type;
  void (*run)(struct agent *agent, bp_json line);
} messages[] = {{"complete", on_complete}, {"log", on_log}, {"sandbox_ready", on_sandbox}};

void protocol_line(struct agent *agent, bp_str text) {
  const struct swarm *w = agent->session->module;
  bp_json line = 0;
  if (w->is_draining || agent->status == AGENT_TERMINATED || w->json->parse(w->self, text, &line, NULL) != BP_OK)
    return;
  bp_str type = member(w, line, BP_LIT("type"));
  for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
    if (kit_same(type, messages[i].type)) {
      messages[i].run(agent, line);
      break;
    }
  w->json->release(w->self, line);
}
