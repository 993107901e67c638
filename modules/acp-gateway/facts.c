/* What the rules of the set "acp" see of a request that changes something: never a token or the value of a variable. */
#include "gateway.h"

static void put_names(const struct gateway *gw, bp_json_writer w, bp_json env) {
  uint64_t cursor = 0;
  bp_str name = {NULL, 0};
  bp_json value = 0;
  gw->json->key(w, BP_LIT("env"));
  gw->json->array_begin(w);
  while (gw->json->next(env, &cursor, &name, &value) == BP_OK)
    gw->json->put_string(w, name);
  gw->json->array_end(w);
}

static void put_copy(const struct gateway *gw, bp_json_writer w, bp_json body, const char *from, const char *to) {
  bp_json value = get_value(gw, body, from);
  if (!value)
    return;
  gw->json->key(w, str_z(to));
  gw->json->put_value(w, value);
}

bp_status facts_of_request(void *state, bp_request request, bp_json_writer w) {
  const struct gateway *gw = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  gw->json->object_begin(w);
  put_text(gw, w, "module", BP_LIT("acp-gateway"));
  put_text(gw, w, "action", BP_LIT("request"));
  put_text(gw, w, "method", gw->http->method(request));
  put_text(gw, w, "path", gw->http->path(request));
  if (gw->http->param(request, BP_LIT("id"), &id) == BP_OK)
    put_text(gw, w, "id", id);
  if (gw->http->body(request, &body) == BP_OK) {
    put_copy(gw, w, body, "agentId", "agent");
    put_copy(gw, w, body, "workingDirectory", "working_directory");
    put_copy(gw, w, body, "granted", "granted");
    put_copy(gw, w, body, "mcpServers", "mcp_servers");
    bp_json env = get_value(gw, body, "env");
    if (env && gw->json->type(env) == BP_JSON_OBJECT)
      put_names(gw, w, env);
  }
  gw->json->object_end(w);
  return BP_OK;
}
