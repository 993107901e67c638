/* What a running server sends by itself, brought to the client it concerns. */
#ifndef MCP_UPWARD_H
#define MCP_UPWARD_H

#include "instance.h"

/* False: it could not be asked. `child_id` is JSON text. */
bool up_ask(struct instance *instance, bp_str method, bp_json message, const char *child_id);
void up_progress(struct call *call, bp_json params);
void up_message(struct instance *instance, bp_json message, bp_json params);
void up_cancelled(struct instance *instance, bp_json params);
void up_resource_updated(struct instance *instance, bp_json message, bp_str uri);
void up_lists_stale(struct instance *instance);
void up_lists_changed(struct instance *instance, unsigned changed);
void up_other(struct instance *instance, bp_str method, bp_json message);

#endif
