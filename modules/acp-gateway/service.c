/* The service "acp-gateway/1" for other modules. Payloads are JSON objects.
 *
 *   agents {} -> [agent]                        agent.spawn {id, env?, workingDirectory?}, agent.stop {id}, agent.status {id}
 *   agent.auth_init {id}, agent.auth_status {id}, agent.auth_token {id, token, expiresIn?}
 *   session.new {agentId, workingDirectory?, env?, mcpServers?, title?, parent?, timelineSession?, loadSessionId?} -> session
 *   session.prompt {id, prompt} -> {stopReason, text, usage?}, when the turn has ended: give a long timeout_ms
 *   session.cancel {id}, session.close {id}, session.get {id}, session.messages {id}, sessions {}
 *   permission {id, granted, optionId?}, permissions {}, info {}, health {} */
#include "gateway.h"

/* Alphabetical. */
static const struct {
  const char *name;
  void (*run)(struct call *call);
} methods[] = {
    {"agent.auth_init", op_auth_init},
    {"agent.auth_status", op_auth_status},
    {"agent.auth_token", op_auth_token},
    {"agent.spawn", op_agent_spawn},
    {"agent.status", op_agent_status},
    {"agent.stop", op_agent_stop},
    {"agents", op_agents},
    {"health", op_health},
    {"info", op_info},
    {"permission", op_permission},
    {"permissions", op_permissions},
    {"session.cancel", op_cancel},
    {"session.close", op_session_close},
    {"session.get", op_session_get},
    {"session.messages", op_messages},
    {"session.mode", op_session_mode},
    {"session.new", op_session_new},
    {"session.option", op_session_option},
    {"session.prompt", op_prompt},
    {"sessions", op_sessions},
};

static void on_call(void *ctx, bp_service_call service, bp_str method, bp_str payload) {
  struct gateway *gw = ctx;
  struct call call = {.gw = gw, .service = service};
  bp_error err = BP_ERROR_INIT;
  if (gw->json->parse(gw->self, payload.len ? payload : BP_LIT("{}"), &call.args, &err) != BP_OK) {
    gw->service->answer(service, BP_E_PARSE, str_z(err.message));
    return;
  }
  get_text(gw, call.args, "id", &call.path_id);
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (kit_same(method, methods[i].name)) {
      methods[i].run(&call);
      gw->json->release(gw->self, call.args);
      return;
    }
  gw->json->release(gw->self, call.args);
  gw->service->answer(service, BP_E_UNSUPPORTED, BP_LIT("acp-gateway/1 does not have this method"));
}

bp_status service_start(struct gateway *gw) {
  return gw->service->serve(gw->self, BP_LIT(SERVICE_NAME), on_call, gw);
}
