/* session/update: passed on as an event, and remembered: the transcript, the plan, modes, options, commands, usage. */
#include "gateway.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES (120u << 10) /* of a text: with every byte escaped it still is less than EVENT_MAX */

/* ---- The transcript ---- */

void transcript_add(struct session *session, const char *role, bp_str content) {
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(str_z(role)), db_text(content), db_integer(now_ms(session->gw))};
  store_run(session->gw, ADD_MESSAGE, values, 4);
}

void transcript_flush(struct session *session) {
  const struct turn *turn = session->turn;
  const struct kit_buf *said = turn && turn->thought.len ? &turn->thought : turn ? &turn->passage : NULL;
  if (!said || said->len == 0)
    return;
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(said == &turn->thought ? BP_LIT("thought") : BP_LIT("assistant")),
                                db_text(kit_buf_str(said)), db_integer(now_ms(session->gw))};
  const bp_db_step steps[] = {db_exec(ADD_MESSAGE, values, 4), db_exec(DROP_PIECES, values, 1)};
  store_steps(session->gw, steps, 2, NULL, NULL);
  kit_buf_free(&session->turn->thought);
  kit_buf_free(&session->turn->passage);
}

/* At most one of passage and thought holds something: what the agent says changes between them. */
static void keep_text(struct session *session, bool is_thought, bp_str text) {
  struct turn *turn = session->turn;
  if (!turn)
    return;
  if ((is_thought ? &turn->passage : &turn->thought)->len)
    transcript_flush(session);
  if (!is_thought)
    kit_buf_add(&turn->said, kit_cut(text, TURN_TEXT_MAX - turn->said.len), TURN_TEXT_MAX);
  struct kit_buf *passage = is_thought ? &turn->thought : &turn->passage;
  if (kit_buf_add(passage, text, TURN_TEXT_MAX))
    return;
  transcript_flush(session);
  kit_buf_add(passage, text, TURN_TEXT_MAX);
}

static void tool(struct session *session, bp_json update) {
  const struct gateway *gw = session->gw;
  bp_str id = {NULL, 0};
  char *payload = json_copy(gw, update);
  if (get_text(gw, update, "toolCallId", &id) && payload && strlen(payload) <= EVENT_MAX) {
    transcript_flush(session);
    const bp_db_value values[] = {db_text(str_z(session->id)), db_text(id), db_text(str_z(payload)), db_integer(now_ms(gw))};
    store_run(session->gw, PUT_TOOL, values, 4);
    timeline_tool(session, update);
  }
  free(payload);
}

/* ---- State ---- */

static void keep(char **member, char *text) {
  if (!text)
    return;
  free(*member);
  *member = text;
}

static void plan(struct session *session, bp_json update) {
  keep(&session->plan, json_copy(session->gw, get_value(session->gw, update, "entries")));
}

static void commands(struct session *session, bp_json update) {
  keep(&session->commands, json_copy(session->gw, get_value(session->gw, update, "availableCommands")));
}

static void options(struct session *session, bp_json update) {
  keep(&session->config_options, json_copy(session->gw, get_value(session->gw, update, "configOptions")));
}

/* {"currentModeId": new, "availableModes": as they were} */
static void mode(struct session *session, bp_json update) {
  const struct gateway *gw = session->gw;
  bp_json old = 0;
  bp_str id = {NULL, 0}, text = {NULL, 0};
  bp_json_writer w = get_text(gw, update, "currentModeId", &id) ? writer(gw) : 0;
  if (!w)
    return;
  if (session->modes)
    gw->json->parse(gw->self, str_z(session->modes), &old, NULL);
  bp_json available = old ? get_value(gw, old, "availableModes") : 0;
  gw->json->object_begin(w);
  put_text(gw, w, "currentModeId", id);
  if (available) {
    gw->json->key(w, BP_LIT("availableModes"));
    gw->json->put_value(w, available);
  }
  gw->json->object_end(w);
  if (gw->json->writer_text(w, &text, NULL) == BP_OK)
    keep(&session->modes, str_dup(text));
  gw->json->writer_free(w);
  if (old)
    gw->json->release(gw->self, old);
}

static void info(struct session *session, bp_json update) {
  bp_str title = {NULL, 0};
  if (!get_text(session->gw, update, "title", &title) || title.len > 4096)
    return;
  keep(&session->title, str_dup(title));
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(title)};
  store_run(session->gw, SET_SESSION_TITLE, values, 2);
  timeline_session(session, "running");
}

static void usage(struct session *session, bp_json update) {
  char *text = json_copy(session->gw, update);
  if (!text)
    return;
  keep(&session->usage, text);
  timeline_session(session, "running");
}

/* By name, alphabetical. Other kinds are passed on and otherwise ignored. */
static const struct {
  const char *name;
  void (*take)(struct session *session, bp_json update);
} kinds[] = {
    {"available_commands_update", commands},
    {"config_option_update", options},
    {"current_mode_update", mode},
    {"plan", plan},
    {"session_info_update", info},
    {"tool_call", tool},
    {"tool_call_update", tool},
    {"usage_update", usage},
};

/* ---- Passing on ---- */

/* What is too large for the live log loses its bulk: content, raw input and raw output. */
static void put_cut(const struct gateway *gw, bp_json_writer w, bp_json update) {
  static const char *const kept[] = {"sessionUpdate", "toolCallId", "title", "kind", "status", "locations", "messageId"};
  gw->json->object_begin(w);
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
    bp_json value = get_value(gw, update, kept[i]);
    char *text = value ? json_copy(gw, value) : NULL;
    if (text && strlen(text) < 65536)
      put_raw_or_null(gw, w, kept[i], text);
    free(text);
  }
  put_flag(gw, w, "truncated", true);
  gw->json->object_end(w);
}

/* `update`: JSON text. `said` (empty: it is no text) is stored with it until its message is complete. */
static void publish(struct session *session, bp_str update, bool is_thought, bp_str said) {
  struct gateway *gw = session->gw;
  bp_json_writer w = writer(gw);
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "sessionId", str_z(session->id));
  gw->json->key(w, BP_LIT("update"));
  gw->json->put_raw(w, update);
  gw->json->object_end(w);
  const bp_db_value values[] = {db_text(str_z(session->id)), db_text(is_thought ? BP_LIT("thought") : BP_LIT("assistant")), db_text(said),
                                db_integer(now_ms(gw))};
  const bp_db_step piece = db_exec(ADD_PIECE, values, 4);
  event_publish_with(gw, "session_update", str_z(session->id), str_z(session->agent->id), w, session->turn && said.len ? &piece : NULL, NULL, NULL);
}

static void pass_on(struct session *session, bp_json update) {
  const struct gateway *gw = session->gw;
  char *text = json_copy(gw, update);
  if (text && strlen(text) > EVENT_MAX) {
    bp_json_writer w = writer(gw);
    bp_str cut = {NULL, 0};
    if (w)
      put_cut(gw, w, update);
    if (w && gw->json->writer_text(w, &cut, NULL) == BP_OK)
      publish(session, cut, false, bp_str_make(NULL, 0));
    if (w)
      gw->json->writer_free(w);
  } else if (text) {
    publish(session, str_z(text), false, bp_str_make(NULL, 0));
  }
  free(text);
}

/* ---- What the agent says ---- */

/* One of the pieces that a text is passed on in which is too large for the live log. */
static void pass_on_piece(struct session *session, bp_json update, bool is_thought, bp_str text) {
  const struct gateway *gw = session->gw;
  bp_json_writer w = writer(gw);
  bp_str whole = {NULL, 0}, message_id = {NULL, 0};
  if (!w)
    return;
  gw->json->object_begin(w);
  put_text(gw, w, "sessionUpdate", is_thought ? BP_LIT("agent_thought_chunk") : BP_LIT("agent_message_chunk"));
  if (get_text(gw, update, "messageId", &message_id))
    put_text(gw, w, "messageId", message_id);
  gw->json->key(w, BP_LIT("content"));
  gw->json->object_begin(w);
  put_text(gw, w, "type", BP_LIT("text"));
  put_text(gw, w, "text", text);
  gw->json->object_end(w);
  gw->json->object_end(w);
  if (gw->json->writer_text(w, &whole, NULL) == BP_OK)
    publish(session, whole, is_thought, text);
  gw->json->writer_free(w);
}

static void take_text(struct session *session, bp_json update, bool is_thought, bp_str text) {
  char *whole = json_copy(session->gw, update);
  if (whole && strlen(whole) <= EVENT_MAX) {
    keep_text(session, is_thought, text);
    publish(session, str_z(whole), is_thought, text);
  } else {
    for (bp_str piece; text.len > 0; text = bp_str_make(text.ptr + piece.len, text.len - piece.len)) {
      piece = kit_cut(text, PIECE_BYTES);
      keep_text(session, is_thought, piece);
      pass_on_piece(session, update, is_thought, piece);
    }
  }
  free(whole);
}

void update_take(struct session *session, bp_json params) {
  const struct gateway *gw = session->gw;
  bp_json update = get_value(gw, params, "update");
  bp_str kind = {NULL, 0}, text = {NULL, 0};
  if (!update || !get_text(gw, update, "sessionUpdate", &kind))
    return;
  session_touch(session);
  if (session->is_attaching)
    return; /* history the agent tells again; the transcript has it */
  bool is_thought = kit_same(kind, "agent_thought_chunk");
  if ((is_thought || kit_same(kind, "agent_message_chunk")) && get_text(gw, get_value(gw, update, "content"), "text", &text)) {
    take_text(session, update, is_thought, text);
    return;
  }
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (kit_same(kind, kinds[i].name))
      kinds[i].take(session, update);
  pass_on(session, update);
}

/* ---- Reading the transcript ---- */

static void on_messages(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  const struct gateway *gw = call->gw;
  bp_json_writer w = outcome->status == BP_OK ? writer(gw) : 0;
  if (!w) {
    call_fail(call, 503, outcome->status, "", outcome->status == BP_OK ? "out of memory" : outcome->error->message);
    call_free(call);
    return;
  }
  gw->json->object_begin(w);
  gw->json->key(w, BP_LIT("messages"));
  gw->json->array_begin(w);
  for (uint32_t row = 0; row < gw->db->rows(outcome->result, 0); row++)
    gw->json->put_raw(w, db_column(gw->db, outcome, 0, row, 1));
  gw->json->array_end(w);
  put_flag(gw, w, "more", gw->db->more(outcome->result, 0));
  gw->json->object_end(w);
  call_answer(call, w);
  call_free(call);
}

void op_messages(struct call *call) {
  const struct gateway *gw = call->gw;
  int64_t after = 0;
  if (call->request)
    gw->http->param_integer(call->request, BP_LIT("after"), &after);
  const bp_db_value values[] = {db_text(call->path_id), db_integer(after)};
  const bp_db_query query = {.size = sizeof(query), .statement = MESSAGES_OF, .max_rows = 500, .params = BP_ARRAY(values)};
  struct call *later = call_copy(call);
  if (later && gw->db->read(gw->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_messages, later) == BP_OK)
    return;
  call_fail(call, 503, BP_E_BUSY, "", "the store is busy");
  call_free(later);
}
