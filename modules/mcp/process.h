/* The process of a running server: its start, and its output cut into messages and lines. */
#ifndef MCP_PROCESS_H
#define MCP_PROCESS_H

#include "instance.h"

typedef void (*process_started_fn)(void *ctx, bp_proc proc, int64_t pid);
typedef void (*process_exited_fn)(void *ctx, bp_proc proc, const bp_proc_exit *exit);

/* Starts it; `env` is JSON text of an object of texts, or empty. Both callbacks get the instance. */
bp_status process_spawn(struct instance *instance, bp_str env, process_started_fn started, process_exited_fn exited, bp_error *err);
/* Logs the line that its end has cut off. */
void process_flush(struct instance *instance);

#endif
