/* Routes as tools: listing them with one schema of their arguments, and calling one within the host through the same pipeline. */
#ifndef HOST_ROUTER_INNER_CALL_H
#define HOST_ROUTER_INNER_CALL_H

#include <backplane/http.h>

struct plugin;

/* Of bp.http/1; see backplane/http.h. */
void inner_tools(bp_tool_fn each, void *ctx);
bp_status inner_tool_call(bp_plugin self, bp_request request, bp_str plugin, bp_str operation_id, bp_str arguments, bp_tool_done_fn done, void *ctx,
                          bp_error *err);
/* The plugin that called goes away: its calls are told BP_E_CANCELLED now, and their answers to nobody. */
void inner_cancel(struct plugin *caller);

#endif
