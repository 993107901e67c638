/* What an agent asks of its client: one table of methods. Each names its session, which must be one of this agent's own. */
#include "gateway.h"

typedef void (*method_fn)(struct session *session, const char *rpc_id, bp_json params);

/* Alphabetical. */
static const struct {
  const char *name;
  method_fn run;
} methods[] = {
    {"fs/read_text_file", files_read},      {"fs/write_text_file", files_write},       {"session/request_permission", permission_ask},
    {"terminal/create", terminal_create},   {"terminal/kill", terminal_kill},          {"terminal/output", terminal_output},
    {"terminal/release", terminal_release}, {"terminal/wait_for_exit", terminal_wait},
};

static void notified(struct process *process, bp_str method, bp_json params) {
  bp_str id = {NULL, 0};
  struct session *session = get_text(process->gw, params, "sessionId", &id) ? session_of(process, id) : NULL;
  if (session && kit_same(method, "session/update"))
    update_take(session, params);
}

void dispatch_incoming(struct process *process, const char *id, bp_str method, bp_json params) {
  bp_str session_id = {NULL, 0};
  if (!id) {
    notified(process, method, params);
    return;
  }
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    if (!kit_same(method, methods[i].name))
      continue;
    struct session *session = get_text(process->gw, params, "sessionId", &session_id) ? session_of(process, session_id) : NULL;
    if (session)
      methods[i].run(session, id, params);
    else
      rpc_error(process, id, RPC_INVALID, "sessionId names no open session of this agent");
    return;
  }
  rpc_error(process, id, -32601, "this client does not have the method");
}
