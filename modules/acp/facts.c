/* What the rules of the set "acp" see of a request that changes something: never a token, nor the text of a prompt. */
#include "acp.h"

static void copy(const struct acp *m, bp_json_writer w, bp_json body, const char *from, const char *to) {
  bp_json value = get_value(m, body, from);
  if (!value)
    return;
  m->json->key(w, str_z(to));
  m->json->put_value(w, value);
}

bp_status facts_of_request(void *state, bp_request request, bp_json_writer w) {
  static const char *const params[][2] = {{"projectId", "project"}, {"agentId", "agent"}, {"sessionId", "session"}, {"permissionId", "permission"}};
  const struct acp *m = state;
  bp_json body = 0;
  bp_str text = {NULL, 0};
  bool has_agent = false;
  m->json->object_begin(w);
  put_text(m, w, "module", BP_LIT("acp"));
  put_text(m, w, "action", BP_LIT("request"));
  put_text(m, w, "method", m->http->method(request));
  put_text(m, w, "path", m->http->path(request));
  for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
    if (m->http->param(request, str_z(params[i][0]), &text) == BP_OK) {
      put_text(m, w, params[i][1], text);
      has_agent |= i == 1;
    }
  if (m->http->body(request, &body) == BP_OK) {
    if (!has_agent)
      copy(m, w, body, "agentId", "agent");
    copy(m, w, body, "workingDirectory", "working_directory");
    copy(m, w, body, "granted", "granted");
    copy(m, w, body, "fqdnUrl", "fqdn_url");
    copy(m, w, body, "containerPort", "container_port");
  }
  m->json->object_end(w);
  return BP_OK;
}
