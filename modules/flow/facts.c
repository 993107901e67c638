/* What a policy decides on. Of a message's content the beginning and its length are stated; what goes to an agent is not cut. */
#include "flow.h"

#define FACT_BYTES 4096

static void begin(const struct flow *f, bp_json_writer facts, bp_str action) {
  f->json->object_begin(facts);
  json_text_member(f->json, facts, BP_LIT("module"), BP_LIT("flow"));
  json_text_member(f->json, facts, BP_LIT("action"), action);
}

static void put(const struct flow *f, bp_json_writer facts, bp_json body, const char *name, const char *fact) {
  bp_json value = 0;
  if (f->json->get(body, str_z(name), &value) != BP_OK)
    return;
  f->json->key(facts, str_z(fact));
  f->json->put_value(facts, value);
}

static bp_str action_of(const struct flow *f, bp_request request, bool has_id) {
  bp_str method = f->http->method(request);
  if (kit_same(method, "DELETE"))
    return BP_LIT("delete_session");
  if (kit_same(method, "PATCH"))
    return BP_LIT("update_session");
  return has_id ? BP_LIT("archive_session") : BP_LIT("create_session");
}

bp_status facts_session(void *state, bp_request request, bp_json_writer facts) {
  const struct flow *f = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  bool has_id = f->http->param(request, BP_LIT("id"), &id) == BP_OK;
  begin(f, facts, action_of(f, request, has_id));
  if (has_id)
    json_text_member(f->json, facts, BP_LIT("session_id"), id);
  if (f->http->body(request, &body) == BP_OK) {
    put(f, facts, body, "prompt", "prompt");
    put(f, facts, body, "title", "title");
    put(f, facts, body, "userId", "user_id");
  }
  f->json->object_end(facts);
  return BP_OK;
}

bp_status facts_message(void *state, bp_request request, bp_json_writer facts) {
  const struct flow *f = state;
  bp_json body = 0;
  begin(f, facts, BP_LIT("post_message"));
  if (f->http->body(request, &body) == BP_OK) {
    bp_str content = field_text(f, body, "content");
    put(f, facts, body, "sessionId", "session_id");
    put(f, facts, body, "role", "role");
    json_text_member(f->json, facts, BP_LIT("content"), kit_cut(content, FACT_BYTES));
    f->json->key(facts, BP_LIT("content_bytes"));
    f->json->put_integer(facts, (int64_t)content.len);
  }
  f->json->object_end(facts);
  return BP_OK;
}

bp_status facts_settings(void *state, bp_request request, bp_json_writer facts) {
  static const char *const names[] = {"model", "maxTokens", "temperature"};
  const struct flow *f = state;
  bp_json body = 0;
  begin(f, facts, BP_LIT("change_settings"));
  if (f->http->body(request, &body) == BP_OK)
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
      put(f, facts, body, names[i], names[i]);
  f->json->object_end(facts);
  return BP_OK;
}
