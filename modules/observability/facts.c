/* What a policy may know of a request of this module before it decides: small and flat, because it is asked for every event.
 *
 * A text "x" comes with its length "x_bytes" (0 where it is absent), which is what rules compare; the text itself is cut at
 * FACT_BYTES. What goes into tools and comes out of them is not part of the facts. */
#include "observability.h"

#define FACT_BYTES 1024

/* A text that can be asked for, and what its length is called. */
struct fact {
  bp_str name, bytes;
};
#define FACT(word)                                                                                                                                   \
  { BP_STR(word), BP_STR(word "_bytes") }

static void begin(const bp_json_1 *json, bp_json_writer facts, bp_str action) {
  json->object_begin(facts);
  json_text_member(json, facts, BP_LIT("module"), BP_LIT("observability"));
  json_text_member(json, facts, BP_LIT("action"), action);
}

static bp_str cut(bp_str text) {
  if (text.len <= FACT_BYTES)
    return text;
  size_t len = FACT_BYTES;
  while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
    len--;
  return bp_str_make(text.ptr, len);
}

static void put_fact(const bp_json_1 *json, bp_json_writer facts, const struct fact *fact, bool has_text, bp_str text) {
  if (has_text)
    json_text_member(json, facts, fact->name, cut(text));
  json->key(facts, fact->bytes);
  json->put_integer(facts, has_text ? (int64_t)text.len : 0);
}

/* Members of the body that are texts; absent and null ones have a length only. */
static void put_members(const bp_json_1 *json, bp_json_writer facts, bp_json body, const struct fact *wanted, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    bp_json value = 0;
    bp_str text = {NULL, 0};
    bool has_text = json->get(body, wanted[i].name, &value) == BP_OK && json->string(value, &text) == BP_OK;
    put_fact(json, facts, &wanted[i], has_text, text);
  }
}

bp_status facts_event(void *state, bp_request request, bp_json_writer facts) {
  static const struct fact wanted[] = {FACT("event_type"), FACT("session_id"), FACT("session_name"),
                                       FACT("timestamp"),  FACT("tool_name"),  FACT("role")};
  const struct observability *o = state;
  bp_json body = 0;
  if (o->http->body(request, &body) != BP_OK)
    return BP_E_INVALID;
  begin(o->json, facts, BP_LIT("event"));
  put_members(o->json, facts, body, wanted, sizeof(wanted) / sizeof(wanted[0]));
  o->json->object_end(facts);
  return BP_OK;
}

static bool is_method(const struct observability *o, bp_request request, const char *name, size_t len) {
  bp_str method = o->http->method(request);
  return method.len == len && __builtin_memcmp(method.ptr, name, len) == 0;
}
#define IS_METHOD(o, request, literal) is_method((o), (request), (literal), sizeof(literal) - 1)

static bp_str session_action(const struct observability *o, bp_request request, bool has_id) {
  if (IS_METHOD(o, request, "DELETE"))
    return BP_LIT("delete_session");
  if (IS_METHOD(o, request, "PATCH"))
    return BP_LIT("change_session");
  return has_id ? BP_LIT("stop_session") : BP_LIT("create_session");
}

/* The session a request is about, and what it would be called. */
bp_status facts_session(void *state, bp_request request, bp_json_writer facts) {
  static const struct fact id_fact = FACT("session_id");
  static const struct fact wanted[] = {FACT("session_name"), FACT("project_dir"), FACT("agent_name"), FACT("session_id")};
  const struct observability *o = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  bool has_id = o->http->param(request, BP_LIT("session_id"), &id) == BP_OK;
  bool has_body = o->http->body(request, &body) == BP_OK;
  begin(o->json, facts, session_action(o, request, has_id));
  if (has_id)
    put_fact(o->json, facts, &id_fact, true, id);
  if (has_body)
    put_members(o->json, facts, body, wanted, has_id ? 3 : 4);
  o->json->object_end(facts);
  return BP_OK;
}
