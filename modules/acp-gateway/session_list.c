/* GET /agents/{id}/sessions: the sessions that an agent itself remembers (session/list). */
#include "gateway.h"

#include <stdlib.h>
#include <string.h>

static void on_listed(void *ctx, struct process *process, bp_json result, int64_t code, bp_str message) {
  struct call *call = ctx;
  char text[256] = {0};
  char *list = result ? json_copy(call->gw, result) : NULL;
  (void)process;
  (void)code;
  memcpy(text, message.ptr, message.len < sizeof(text) ? message.len : sizeof(text) - 1);
  if (list)
    call_answer_raw(call, str_z(list));
  else
    call_fail(call, 500, BP_E_IO, "", text);
  free(list);
  call_free(call);
}

static void on_list_ready(void *ctx, struct process *process, const char *error) {
  struct call *call = ctx;
  if (process && process->can_list) {
    rpc_request(process, "session/list", 0, on_listed, call);
    return;
  }
  call_fail(call, process ? 400 : 500, BP_E_UNSUPPORTED, "", process ? "This agent does not list its sessions" : error);
  call_free(call);
}

void op_agent_sessions(struct call *call) {
  call->agent = agent_find(call->gw, call->path_id);
  struct call *later = call->agent ? call_copy(call) : NULL;
  if (later)
    process_need(call->agent, 0, bp_str_make(NULL, 0), on_list_ready, later);
  else
    call_fail(call, 404, BP_E_NOT_FOUND, "", "Agent not found");
}
