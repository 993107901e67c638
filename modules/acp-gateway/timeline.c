/* Sessions, turns, tool calls and commands on the timeline (service timeline/1, if somebody serves it), and what it says of budgets. */
#include "gateway.h"

#include <stdio.h>
#include <string.h>

static void ignore(void *ctx, bp_status status, bp_str payload) {
  (void)ctx;
  (void)status;
  (void)payload;
}

static bp_json_writer begin(const struct session *session, const char *kind, const char *id, const char *status) {
  const struct gateway *gw = session->gw;
  char name[2 * ID_BYTES + 64];
  bp_json_writer w = writer(gw);
  if (!w)
    return 0;
  gw->json->object_begin(w);
  (void)snprintf(name, sizeof(name), "acp-gateway.%s:%s", kind, id);
  put_text(gw, w, "id", str_z(name));
  put_text(gw, w, "kind", str_z(kind));
  put_text(gw, w, "status", str_z(status));
  put_text(gw, w, "module", BP_LIT("acp-gateway"));
  put_text(gw, w, "agent_id", str_z(session->agent->id));
  if (session->timeline_root)
    put_text(gw, w, "session_id", str_z(session->timeline_root));
  else if (!session->parent)
    put_text(gw, w, "session_id", str_z(session->id));
  return w;
}

static void end(const struct gateway *gw, bp_json_writer w) {
  bp_str payload = {NULL, 0};
  gw->json->object_end(w);
  if (gw->json->writer_text(w, &payload, NULL) == BP_OK)
    gw->service->call(gw->self, BP_LIT("timeline/1"), BP_LIT("put"), payload, 5000, ignore, NULL);
  gw->json->writer_free(w);
}

static void put_parent(const struct session *session, bp_json_writer w, const char *kind, const char *id) {
  char name[2 * ID_BYTES + 64];
  (void)snprintf(name, sizeof(name), "acp-gateway.%s:%s", kind, id);
  put_text(session->gw, w, "parent", str_z(name));
}

static void put_usage(const struct session *session, bp_json_writer w, const char *text) {
  static const char *const names[3][2] = {{"inputTokens", "input_tokens"}, {"outputTokens", "output_tokens"}, {NULL, NULL}};
  const struct gateway *gw = session->gw;
  bp_json usage = 0;
  double amount = 0;
  int64_t count = 0;
  if (!text || gw->json->parse(gw->self, str_z(text), &usage, NULL) != BP_OK)
    return;
  for (int i = 0; names[i][0]; i++)
    if (get_integer(gw, usage, names[i][0], &count) || get_integer(gw, usage, names[i][1], &count))
      put_integer(gw, w, names[i][1], count);
  bp_json cost = get_value(gw, get_value(gw, usage, "cost"), "amount");
  if (cost && gw->json->real(cost, &amount) == BP_OK) {
    gw->json->key(w, BP_LIT("cost_usd"));
    gw->json->put_real(w, amount);
  }
  gw->json->release(gw->self, usage);
}

void timeline_session(const struct session *session, const char *status) {
  const struct gateway *gw = session->gw;
  bp_json_writer w = begin(session, "session", session->id, status);
  if (!w)
    return;
  if (session->parent)
    put_text(gw, w, "parent", str_z(session->parent));
  put_text(gw, w, "title", session->title ? str_z(session->title) : str_z(session->agent->name));
  put_integer(gw, w, "started_ms", session->created_ms);
  if (session->process && session->process->proc)
    put_integer(gw, w, "pid", gw->proc->pid(session->process->proc));
  if (session->is_closed)
    put_integer(gw, w, "ended_ms", now_ms(gw));
  put_usage(session, w, session->usage);
  end(gw, w);
}

void timeline_turn(const struct session *session, const char *status) {
  const struct gateway *gw = session->gw;
  const struct turn *turn = session->turn;
  bp_json_writer w = begin(session, "turn", turn->id, status);
  if (!w)
    return;
  put_parent(session, w, "session", session->id);
  put_text(gw, w, "title", BP_LIT("turn"));
  put_integer(gw, w, "started_ms", turn->started_ms);
  if (strcmp(status, "running") != 0)
    put_integer(gw, w, "ended_ms", now_ms(gw));
  put_usage(session, w, turn->usage);
  end(gw, w);
}

static const char *tool_status(bp_str status) {
  static const char *const names[][2] = {{"pending", "pending"}, {"in_progress", "running"}, {"completed", "done"}, {"failed", "failed"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (kit_same(status, names[i][0]))
      return names[i][1];
  return NULL;
}

void timeline_tool(const struct session *session, bp_json update) {
  const struct gateway *gw = session->gw;
  bp_str id = {NULL, 0}, status = BP_STR("pending"), title = {NULL, 0}, kind = {NULL, 0};
  char name[2 * ID_BYTES];
  bool has_status = get_text(gw, update, "status", &status);
  get_text(gw, update, "toolCallId", &id);
  get_text(gw, update, "sessionUpdate", &kind);
  bool is_new = kit_same(kind, "tool_call"), has_title = get_text(gw, update, "title", &title);
  if (!tool_status(status) || (!is_new && !has_status && !has_title))
    return;
  (void)snprintf(name, sizeof(name), "%s:%.*s", session->id, (int)(id.len > 100 ? 100 : id.len), id.ptr);
  bp_json_writer w = begin(session, "tool", name, tool_status(status));
  if (!w)
    return;
  if (session->turn)
    put_parent(session, w, "turn", session->turn->id);
  if (has_title && title.len <= 1024)
    put_text(gw, w, "title", title);
  if (is_new)
    put_integer(gw, w, "started_ms", now_ms(gw));
  if (kit_same(status, "completed") || kit_same(status, "failed"))
    put_integer(gw, w, "ended_ms", now_ms(gw));
  end(gw, w);
}

void timeline_process(const struct session *session, const char *id, bp_str title, int64_t pid, const char *status) {
  const struct gateway *gw = session->gw;
  bp_json_writer w = begin(session, "process", id, status);
  if (!w)
    return;
  if (pid > 0) {
    put_parent(session, w, session->turn ? "turn" : "session", session->turn ? session->turn->id : session->id);
    put_text(gw, w, "title", title);
    put_integer(gw, w, "pid", pid);
  }
  end(gw, w);
}

/* A rule says that a session has used its budget: its turns end. The notice names the topmost session of a tree. */
void timeline_budget(void *ctx, const bp_live_event *event) {
  struct gateway *gw = ctx;
  bp_json root = 0;
  bp_str id = {NULL, 0}, verdict = {NULL, 0};
  if (event->flags || gw->json->parse(gw->self, event->payload, &root, NULL) != BP_OK)
    return;
  get_text(gw, root, "verdict", &verdict);
  if (!get_text(gw, root, "session_id", &id))
    id = event->key;
  for (struct session *session = gw->sessions; session && kit_same(verdict, "deny"); session = session->next) {
    bool is_meant = kit_same(id, session->id) || (session->timeline_root && kit_same(id, session->timeline_root)) ||
                    (session->parent && kit_same(id, session->parent));
    if (!is_meant || !session->turn || session->turn->is_cancelled)
      continue;
    event_error(gw, session, "the budget is used up: the turn is cancelled");
    turn_cancel(session);
  }
  gw->json->release(gw->self, root);
}
