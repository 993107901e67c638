/* What a policy may know of a request of this module before it decides: small and flat, because it is asked for every event.
 *
 * Texts are cut at FACT_BYTES, so that a rule about a length sees that it is too long; what is inside tools is only counted. */
#include "observability.h"

#define FACT_BYTES 8192

static void begin(const bp_json_1 *json, bp_json_writer facts, bp_str action) {
  json->object_begin(facts);
  json_text_member(json, facts, BP_LIT("module"), BP_LIT("observability"));
  json_text_member(json, facts, BP_LIT("action"), action);
}

/* A member of the body that is a text; absent and null ones are left out. */
static void put_member(const bp_json_1 *json, bp_json_writer facts, bp_json body, bp_str name) {
  bp_json value = 0;
  bp_str text;
  if (json->get(body, name, &value) == BP_OK && json->string(value, &text) == BP_OK)
    json_text_member(json, facts, name, text);
}

bp_status facts_event(void *state, bp_request request, bp_json_writer facts) {
  static const bp_str names[] = {BP_STR("event_type"), BP_STR("session_id"), BP_STR("session_name"),
                                 BP_STR("timestamp"),  BP_STR("tool_name"),  BP_STR("role")};
  const struct observability *o = state;
  bp_json body = 0, content = 0;
  if (o->http->body(request, &body) != BP_OK)
    return BP_E_INVALID;
  begin(o->json, facts, BP_LIT("event"));
  for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    put_member(o->json, facts, body, names[i]);
  if (o->json->get(body, BP_LIT("content"), &content) == BP_OK) {
    o->json->key(facts, BP_LIT("content_items"));
    o->json->put_integer(facts, o->json->count(content));
  }
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
  const struct observability *o = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  bool has_id = o->http->param(request, BP_LIT("session_id"), &id) == BP_OK;
  bool has_body = o->http->body(request, &body) == BP_OK;
  begin(o->json, facts, session_action(o, request, has_id));
  if (has_id)
    json_text_member(o->json, facts, BP_LIT("session_id"), id);
  else if (has_body)
    put_member(o->json, facts, body, BP_LIT("session_id"));
  if (has_body) {
    put_member(o->json, facts, body, BP_LIT("session_name"));
    put_member(o->json, facts, body, BP_LIT("project_dir"));
    put_member(o->json, facts, body, BP_LIT("agent_name"));
  }
  o->json->object_end(facts);
  return BP_OK;
}
