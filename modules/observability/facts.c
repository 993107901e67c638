/* What a policy may know of a request of this module before it decides. */
#include "observability.h"

static void put_member(const bp_json_1 *json, bp_json_writer facts, bp_str name, bp_str value) {
  json->key(facts, name);
  json->put_string(facts, value);
}

/* The whole event, as it came: the rules speak about its type, session and sizes. */
bp_status facts_event(void *state, bp_request request, bp_json_writer facts) {
  const struct observability *o = state;
  bp_json body = 0;
  if (o->http->body(request, &body) != BP_OK)
    return BP_E_INVALID;
  o->json->object_begin(facts);
  o->json->key(facts, BP_LIT("event"));
  o->json->put_value(facts, body);
  o->json->object_end(facts);
  return BP_OK;
}

/* The session a request is about, and the body where there is one. */
bp_status facts_session(void *state, bp_request request, bp_json_writer facts) {
  const struct observability *o = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  o->json->object_begin(facts);
  put_member(o->json, facts, BP_LIT("method"), o->http->method(request));
  put_member(o->json, facts, BP_LIT("path"), o->http->path(request));
  if (o->http->param(request, BP_LIT("session_id"), &id) == BP_OK)
    put_member(o->json, facts, BP_LIT("session_id"), id);
  if (o->http->body(request, &body) == BP_OK) {
    o->json->key(facts, BP_LIT("body"));
    o->json->put_value(facts, body);
  }
  o->json->object_end(facts);
  return BP_OK;
}
