/* What a policy decides on: the action, the id as it was given, and the members of the body that count. Handlers act on these. */
#include "repositories.h"

static void put_action(const struct repositories *r, bp_json_writer facts, bp_str action) {
  json_text_member(r->json, facts, BP_LIT("module"), BP_LIT("repositories"));
  json_text_member(r->json, facts, BP_LIT("action"), action);
}

static void put_member(const struct repositories *r, bp_json_writer facts, bp_json body, const char *name) {
  bp_json value = 0;
  if (r->json->get(body, str_z(name), &value) != BP_OK)
    return;
  r->json->key(facts, str_z(name));
  r->json->put_value(facts, value);
}

bp_status facts_create(void *state, bp_request request, bp_json_writer facts) {
  static const char *const names[] = {"name", "path", "type", "port", "url", "branch"};
  const struct repositories *r = state;
  bp_json body = 0;
  r->json->object_begin(facts);
  put_action(r, facts, BP_LIT("create"));
  if (r->http->body(request, &body) == BP_OK)
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
      put_member(r, facts, body, names[i]);
  r->json->object_end(facts);
  return BP_OK;
}

/* PUT and DELETE, with the id in the path, the query or the body. */
bp_status facts_change(void *state, bp_request request, bp_json_writer facts) {
  static const char *const names[] = {"name", "path", "url", "branch"};
  const struct repositories *r = state;
  bool is_update = kit_same(r->http->method(request), "PUT");
  bp_json body = 0;
  bp_str id = {NULL, 0};
  bool has_body = r->http->body(request, &body) == BP_OK;
  r->json->object_begin(facts);
  put_action(r, facts, is_update ? BP_LIT("update") : BP_LIT("delete"));
  if (r->http->param(request, BP_LIT("id"), &id) == BP_OK) {
    json_text_member(r->json, facts, BP_LIT("id"), id);
  } else if (has_body) {
    put_member(r, facts, body, "id");
  }
  for (unsigned i = 0; is_update && has_body && i < sizeof(names) / sizeof(names[0]); i++)
    put_member(r, facts, body, names[i]);
  r->json->object_end(facts);
  return BP_OK;
}
