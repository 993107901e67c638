/* Workers that are ACP agents: each task is one session and one turn of the agent, through the service acp-gateway/1. What it says
 * on the way comes by the gateway's live topic. */
#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define GATEWAY BP_LIT("acp-gateway/1")
#define CALL_MS 60000

/* A call under way; the agent stays in memory for it. */
struct turn {
  struct agent *agent;
  char task_id[KIT_UUID_BYTES]; /* the agent may have been taken off it */
};

static struct turn *turn_new(struct agent *agent) {
  struct turn *turn = calloc(1, sizeof(*turn));
  if (!turn)
    return NULL;
  turn->agent = agent;
  memcpy(turn->task_id, agent->task->id, KIT_UUID_BYTES);
  agent->acp_calls++;
  return turn;
}

static bool is_current(const struct turn *turn) {
  const struct todo *task = turn->agent->task;
  return task && memcmp(task->id, turn->task_id, KIT_UUID_BYTES) == 0;
}

static void ignored(void *ctx, bp_status status, bp_str payload) {
  (void)ctx, (void)status, (void)payload;
}

static bp_json_writer begin(const struct swarm *w) {
  bp_json_writer out = 0;
  if (w->json->writer_new(w->self, &out) != BP_OK)
    return 0;
  w->json->object_begin(out);
  return out;
}

/* Ends the payload and calls the gateway; the writer is freed. */
static bp_status call(const struct swarm *w, bp_str method, bp_json_writer out, uint32_t timeout_ms, bp_service_done_fn done, void *ctx) {
  return kit_service_call(w->self, w->service, w->json, GATEWAY, method, out, timeout_ms, done, ctx);
}

static void tell_session(const struct swarm *w, bp_str method, bp_str id) {
  bp_json_writer out = id.len ? begin(w) : 0;
  if (!out)
    return;
  json_text_member(w->json, out, BP_LIT("id"), id);
  call(w, method, out, CALL_MS, ignored, NULL);
}

static void close_session(struct agent *agent) {
  const struct swarm *w = agent->session->module;
  if (agent->acp_events)
    w->live->unsubscribe(agent->acp_events);
  agent->acp_events = 0;
  if (!w->is_draining)
    tell_session(w, BP_LIT("session.close"), kit_text_str(&agent->acp_session));
  kit_text_free(&agent->acp_session);
}

/* ---- What the agent says meanwhile ---- */

static bp_str text_at(const struct swarm *w, bp_json object, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  if (w->json->get(object, name, &value) == BP_OK)
    w->json->string(value, &text);
  return text;
}

static void on_update(struct agent *agent, bp_json update) {
  const struct swarm *w = agent->session->module;
  bp_json content = 0;
  bp_str kind = text_at(w, update, BP_LIT("sessionUpdate")), text = {NULL, 0};
  if (w->json->get(update, BP_LIT("content"), &content) == BP_OK)
    text = text_at(w, content, BP_LIT("text"));
  if (kit_same(kind, "tool_call"))
    text = text_at(w, update, BP_LIT("title"));
  bool is_reasoning = kit_same(kind, "agent_thought_chunk");
  if (text.len && (is_reasoning || kit_same(kind, "tool_call") || kit_same(kind, "agent_message_chunk")))
    event_said(agent, is_reasoning, text);
}

static void on_event(void *ctx, const bp_live_event *event) {
  struct agent *agent = ctx;
  const struct swarm *w = agent->session->module;
  bp_json root = 0, data = 0, update = 0;
  if (!agent->task || w->json->parse(w->self, event->payload, &root, NULL) != BP_OK)
    return;
  if (w->json->get(root, BP_LIT("data"), &data) != BP_OK)
    data = root;
  if (w->json->get(data, BP_LIT("update"), &update) == BP_OK)
    on_update(agent, update);
  w->json->release(w->self, root);
}

/* ---- The turn ---- */

/* The turn is over, or there was none: the task is done, or goes back like that of a command that died. */
static void turn_end(struct turn *turn, bool is_done, bp_str result) {
  struct agent *agent = turn->agent;
  bool was_current = is_current(turn);
  agent->acp_calls--;
  close_session(agent);
  if (was_current && is_done)
    session_task_done(agent, str_z(turn->task_id), result);
  else if (was_current)
    session_agent_gone(agent);
  session_settle(agent->session);
  free(turn);
}

static void fail(struct turn *turn, const char *what) {
  if (!turn->agent->session->module->is_draining)
    swarm_note(turn->agent->session->module, BP_LOG_WARN, what, turn->agent->id);
  turn_end(turn, false, bp_str_make(NULL, 0));
}

static void prompted(void *ctx, bp_status status, bp_str payload) {
  struct turn *turn = ctx;
  const struct swarm *w = turn->agent->session->module;
  bp_json root = 0, text = 0;
  bp_json_writer out = 0;
  if (status != BP_OK || w->json->parse(w->self, payload, &root, NULL) != BP_OK) {
    fail(turn, "the turn of an ACP agent failed");
    return;
  }
  bool is_done = kit_same(text_at(w, root, BP_LIT("stopReason")), "end_turn") || kit_same(text_at(w, root, BP_LIT("stopReason")), "max_tokens");
  struct kit_text result = {NULL, 0};
  if (w->json->get(root, BP_LIT("text"), &text) == BP_OK && w->json->writer_new(w->self, &out) == BP_OK) {
    w->json->put_value(out, text);
    result = kit_text_of_writer(w->json, out);
  }
  w->json->release(w->self, root);
  if (is_done)
    turn_end(turn, true, kit_text_str(&result));
  else
    fail(turn, "an ACP agent ended its turn without having done the task");
  kit_text_free(&result);
}

static void prompt(struct turn *turn) {
  struct agent *agent = turn->agent;
  const struct swarm *w = agent->session->module;
  int64_t timeout_s = 0;
  bp_json_writer out = begin(w);
  bp_status status = BP_E_NO_MEMORY;
  w->config->integer(w->self, BP_LIT("acp_timeout_s"), &timeout_s);
  if (out) {
    json_text_member(w->json, out, BP_LIT("id"), kit_text_str(&agent->acp_session));
    json_text_member(w->json, out, BP_LIT("prompt"), kit_text_str(&agent->task->description));
    status = call(w, BP_LIT("session.prompt"), out, (uint32_t)timeout_s * 1000, prompted, turn);
  }
  if (status != BP_OK)
    fail(turn, "the task could not be given to the ACP agent");
}

static void opened(void *ctx, bp_status status, bp_str payload) {
  static const bp_str topics[] = {BP_STR("acp-gateway.event")};
  struct turn *turn = ctx;
  struct agent *agent = turn->agent;
  struct swarm *w = agent->session->module;
  bp_json root = 0;
  if (status == BP_OK && w->json->parse(w->self, payload, &root, NULL) == BP_OK) {
    agent->acp_session = kit_text_copy(text_at(w, root, BP_LIT("id")));
    w->json->release(w->self, root);
  }
  if (!agent->acp_session.ptr || !is_current(turn)) {
    fail(turn, status == BP_E_NOT_FOUND ? "module acp-gateway, or the agent, is not there" : "an ACP agent could not be started for the task");
    return;
  }
  w->live->subscribe(w->self, (bp_array)BP_ARRAY(topics), kit_text_str(&agent->acp_session), BP_LIVE_FROM_NOW, on_event, agent, &agent->acp_events);
  prompt(turn);
}

static void start_failed(void *ctx, bp_timer timer) {
  struct agent *agent = ctx;
  (void)timer;
  agent->is_retiring = false;
  session_agent_gone(agent);
}

void acp_start(struct agent *agent) {
  struct swarm *w = agent->session->module;
  struct turn *turn = turn_new(agent);
  bp_json_writer out = turn ? begin(w) : 0;
  bp_status status = BP_E_NO_MEMORY;
  char path[4096];
  if (out) {
    char parent[KIT_UUID_BYTES + 16] = "swarm.task:";
    memcpy(parent + strlen(parent), agent->task->id, KIT_UUID_BYTES);
    json_text_member(w->json, out, BP_LIT("agentId"), option_text(w, BP_LIT("acp_agent")));
    json_text_member(w->json, out, BP_LIT("workingDirectory"), worker_folder(w, path));
    json_text_member(w->json, out, BP_LIT("title"), kit_cut(kit_text_str(&agent->task->description), 200));
    json_text_member(w->json, out, BP_LIT("parent"), str_z(parent));
    json_text_member(w->json, out, BP_LIT("timelineSession"), str_z(agent->session->id));
    status = call(w, BP_LIT("session.new"), out, CALL_MS, opened, turn);
  }
  if (status == BP_OK)
    return;
  if (turn)
    agent->acp_calls--;
  free(turn);
  agent->is_retiring = w->loop->timer(w->self, 0, 0, start_failed, agent, &agent->retire_timer) == BP_OK;
}

/* Closed, not only cancelled: so also a turn ends whose agent does not react. */
void acp_kill(struct agent *agent) {
  if (agent->acp_session.ptr && agent->acp_calls > 0)
    tell_session(agent->session->module, BP_LIT("session.close"), kit_text_str(&agent->acp_session));
}

void acp_free(struct agent *agent) {
  kit_text_free(&agent->acp_session);
}
