/* What a policy decides on (scripts/swarm/): what is asked for, as it was sent. Handlers act on these. */
#include "swarm.h"

static void begin(const struct swarm *w, bp_json_writer facts, bp_str action) {
  w->json->object_begin(facts);
  json_text_member(w->json, facts, BP_LIT("module"), BP_LIT("swarm"));
  json_text_member(w->json, facts, BP_LIT("action"), action);
}

bp_status facts_create(void *state, bp_request request, bp_json_writer facts) {
  const struct swarm *w = state;
  bp_json body = 0, value = 0;
  begin(w, facts, BP_LIT("create_session"));
  bool has_body = w->http->body(request, &body) == BP_OK;
  if (has_body && w->json->get(body, BP_LIT("prompt"), &value) == BP_OK) {
    w->json->key(facts, BP_LIT("prompt"));
    w->json->put_value(facts, value);
  }
  if (has_body && w->json->get(body, BP_LIT("agentCount"), &value) == BP_OK) {
    w->json->key(facts, BP_LIT("agent_count"));
    w->json->put_value(facts, value);
  }
  w->json->object_end(facts);
  return BP_OK;
}

bp_status facts_abort(void *state, bp_request request, bp_json_writer facts) {
  const struct swarm *w = state;
  bp_str id = {NULL, 0};
  w->http->param(request, BP_LIT("id"), &id);
  begin(w, facts, BP_LIT("abort_session"));
  json_text_member(w->json, facts, BP_LIT("session_id"), id);
  w->json->object_end(facts);
  return BP_OK;
}
