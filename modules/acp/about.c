/* What this service says of itself, without any identity: health and info. */
#include "acp.h"

void acp_health(void *state, bp_request request) {
  const struct acp *m = state;
  char time[KIT_TIME_BYTES];
  bp_json_writer w = writer(m);
  if (!w) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_text(m, w, "status", BP_LIT("ok"));
  put_text(m, w, "timestamp", kit_time_text(m->core->now_wall_ns(), time));
  m->json->object_end(w);
  m->http->reply_json(request, 200, w);
  m->json->writer_free(w);
}

void acp_info(void *state, bp_request request) {
  static const char *const agents[] = {"opencode", "claude-code", "gemini-cli", "qwen-code", "codex"};
  const struct acp *m = state;
  bp_json_writer w = writer(m);
  if (!w) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  m->json->object_begin(w);
  put_text(m, w, "name", BP_LIT("backplane"));
  put_text(m, w, "version", m->core->host_version());
  m->json->key(w, BP_LIT("agents"));
  m->json->array_begin(w);
  for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
    m->json->put_string(w, str_z(agents[i]));
  m->json->array_end(w);
  m->json->key(w, BP_LIT("families"));
  m->json->array_begin(w);
  m->json->put_string(w, BP_LIT("acp"));
  if (m->has_builtin)
    m->json->put_string(w, BP_LIT("acp-gateway"));
  m->json->array_end(w);
  m->json->object_end(w);
  m->http->reply_json(request, 200, w);
  m->json->writer_free(w);
}
