/* One line of a worker's output. The protocol is one JSON object a line; anything else a worker prints goes into the log. */
#include "swarm.h"

#include <stdio.h>
#include <string.h>

#define KEY_LEAST 8u     /* bytes of a value that may be one */
#define STRAY_BYTES 500u /* of a line in the log */

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

/* Keys that workers get are in no log, whatever they print. */
static bool tells_key(const struct swarm *w, bp_str text) {
  const bp_str keys[] = {option_text(w, BP_LIT("e2b_api_key")), option_text(w, BP_LIT("dedalus_api_key"))};
  uint32_t more = w->config->entry_count(w->self, BP_LIT("worker_env"));
  for (uint32_t i = 0; i < 2 + more; i++) {
    bp_str name, key = i < 2 ? keys[i] : bp_str_make(NULL, 0);
    if (i >= 2)
      w->config->entry(w->self, BP_LIT("worker_env"), i - 2, &name, &key);
    if (key.len >= KEY_LEAST && memmem(text.ptr, text.len, key.ptr, key.len))
      return true;
  }
  return false;
}

void protocol_stray(struct agent *agent, bp_str text) {
  const struct swarm *w = agent->session->module;
  if (text.len == 0 || w->is_draining || agent->strays > STRAYS_MOST)
    return;
  const bp_log_field fields[] = {
      {.size = sizeof(fields[0]), .key = BP_LIT("id"), .value = str_z(agent->id)},
      {.size = sizeof(fields[0]), .key = BP_LIT("line"), .value = tells_key(w, text) ? BP_LIT("(it tells a key)") : kit_cut(text, STRAY_BYTES)},
  };
  if (agent->strays++ < STRAYS_MOST)
    w->log->write(w->self, BP_LOG_INFO, BP_LIT("a worker says"), (bp_array){fields, 2, sizeof(fields[0])});
  else
    swarm_note(w, BP_LOG_INFO, "what else this worker says is not logged", agent->id);
}

void protocol_line(struct agent *agent, bp_str text) {
  const struct swarm *w = agent->session->module;
  bp_json line = 0;
  if (w->is_draining)
    return;
  if (kit_parse_lenient(w->json, w->self, text, &line, NULL) != BP_OK) {
    protocol_stray(agent, text);
    return;
  }
  if (w->json->type(line) != BP_JSON_OBJECT)
    protocol_stray(agent, text);
  bp_str type = agent->status == AGENT_TERMINATED ? bp_str_make(NULL, 0) : member(w, line, BP_LIT("type"));
  for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
    if (kit_same(type, messages[i].type)) {
      messages[i].run(agent, line);
      break;
    }
  w->json->release(w->self, line);
}
