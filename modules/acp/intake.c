/* What is persisted of a session's events: the assistant's text of a turn joined, tool calls, and the end of the turn. */
#include "acp.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MOST (256u << 10) /* of a tool call that is kept */

static void on_written(void *ctx, const bp_db_outcome *outcome) {
  const struct acp *m = ctx;
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    note(m, BP_LOG_WARN, "an event of a session was not stored: %s", outcome->error->message);
}

static void write_steps(struct acp *m, const bp_db_step *steps, uint32_t count) {
  if (m->db->write(m->self, (bp_array){steps, count, (uint32_t)sizeof(*steps)}, on_written, m) != BP_OK)
    note(m, BP_LOG_WARN, "an event of a session was not stored: the store is busy");
}

static bp_db_step tell(bp_str topic) {
  return (bp_db_step){.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = topic, .payload_step = 0};
}

static void flush(struct watched *w) {
  char id[ID_BYTES];
  if (w->text.len == 0)
    return;
  nano_id(w->m, id);
  const bp_db_value message[] = {db_text(str_z(id)), db_text(str_z(w->id)), db_text(BP_LIT("assistant")), db_text(kit_buf_str(&w->text))};
  const bp_db_value counted[] = {db_text(str_z(w->id)), db_null(), db_integer((int64_t)w->text_seq)};
  const bp_db_step steps[] = {db_exec(ADD_MESSAGE, message, 4), db_exec(COUNT_MESSAGE, counted, 3), tell(BP_LIT("acp.message"))};
  write_steps(w->m, steps, 3);
  kit_buf_free(&w->text);
}

static void end_turn(struct watched *w, const char *status) {
  flush(w);
  w->in_turn = false;
  const bp_db_value values[] = {db_text(str_z(w->id)), db_text(str_z(status)), db_integer((int64_t)w->seen_seq)};
  const bp_db_step steps[] = {db_exec(TURN_ENDED, values, 3), tell(BP_LIT("acp.session"))};
  write_steps(w->m, steps, 2);
}

static bp_db_value json_value(const struct acp *m, bp_json object, const char *name, struct kit_text *keep) {
  *keep = json_copy(m, get_value(m, object, name));
  return keep->ptr && keep->len <= PAYLOAD_MOST ? db_text(kit_text_str(keep)) : db_null();
}

static void tool(struct watched *w, bp_json update) {
  struct acp *m = w->m;
  bp_str call_id = {NULL, 0}, title = {NULL, 0}, status = {NULL, 0};
  struct kit_text input, result, whole = json_copy(m, update);
  char id[ID_BYTES];
  if (!get_text(m, update, "toolCallId", &call_id) || !whole.ptr || whole.len > 4 * PAYLOAD_MOST) {
    kit_text_free(&whole);
    return;
  }
  flush(w);
  nano_id(m, id);
  bool has_title = get_text(m, update, "title", &title);
  get_text(m, update, "status", &status);
  bool is_over = kit_same(status, "completed") || kit_same(status, "failed");
  bp_db_value result_value = json_value(m, update, "rawOutput", &result);
  if (result_value.type == BP_DB_NULL) {
    kit_text_free(&result);
    result_value = json_value(m, update, "content", &result);
  }
  const bp_db_value values[] = {db_text(str_z(id)),
                                db_text(str_z(w->id)),
                                db_text(call_id),
                                has_title ? db_text(title) : db_null(),
                                json_value(m, update, "rawInput", &input),
                                result_value,
                                db_text(kit_text_str(&whole)),
                                db_integer(!is_over)};
  const bp_db_value counted[] = {db_text(str_z(w->id)), db_integer((int64_t)w->seen_seq)};
  const bp_db_step steps[] = {db_exec(PUT_TOOL, values, 8), db_exec(COUNT_TOOL, counted, 2)};
  write_steps(m, steps, 2);
  kit_text_free(&whole);
  kit_text_free(&input);
  kit_text_free(&result);
}

static void take_update(struct watched *w, bp_json update) {
  bp_str kind = {NULL, 0}, text = {NULL, 0};
  struct acp *m = w->m;
  if (!get_text(m, update, "sessionUpdate", &kind))
    return;
  if (kit_same(kind, "agent_message_chunk") && get_text(m, get_value(m, update, "content"), "text", &text)) {
    if (!kit_buf_add(&w->text, text, TEXT_MOST)) {
      flush(w);
      kit_buf_add(&w->text, text, TEXT_MOST);
    }
    w->text_seq = w->seen_seq;
  } else if (kit_same(kind, "tool_call") || kit_same(kind, "tool_call_update")) {
    tool(w, update);
  }
}

/* The whole frame's data, or only its inner object: gateways differ. */
static void take(struct watched *w, bp_json root) {
  struct acp *m = w->m;
  bp_str type = {NULL, 0}, reason = {NULL, 0};
  bp_json data = get_value(m, root, "data");
  if (!get_text(m, root, "type", &type))
    return;
  w->touched_s = now_s(m);
  if (kit_same(type, "session_update")) {
    take_update(w, get_value(m, data ? data : root, "update"));
  } else if (kit_same(type, "session_end_turn")) {
    get_text(m, data ? data : root, "reason", &reason);
    end_turn(w, kit_same(reason, "error") ? "error" : "idle");
  }
}

void intake(struct watched *w, bp_str payload) {
  bp_json root = 0;
  bp_str id = {NULL, 0};
  struct acp *m = w->m;
  if (kit_parse_lenient(m->json, m->self, payload, &root, NULL) != BP_OK)
    return; /* "ping", for example */
  bool is_named = get_text(m, get_value(m, root, "data"), "sessionId", &id) || get_text(m, root, "sessionId", &id);
  if (!is_named || kit_same(id, w->acp_id))
    take(w, root);
  m->json->release(m->self, root);
}

/* The built-in gateway tells on the live log, after a restart once more what has not been stored. */
void intake_live(void *ctx, const bp_live_event *event) {
  struct acp *m = ctx;
  struct watched *w = event->flags || event->key.len == 0 ? NULL : watched_of(m, event->key);
  if (!w || event->sequence <= w->seen_seq)
    return;
  w->seen_seq = event->sequence;
  intake(w, event->payload);
}

/* The gateway has answered the prompt. Where its events cannot be heard, that is the end of the turn. */
void intake_prompt_done(struct acp *m, const char *id, const char *error) {
  for (struct watched *w = m->watched; w; w = w->next) {
    if (strcmp(w->id, id) != 0)
      continue;
    if (error) {
      flush(w);
      w->in_turn = false;
    } else if (w->in_turn && w->url[0] && !sse_is_open(w->sse)) {
      end_turn(w, "idle");
    }
    return;
  }
}
