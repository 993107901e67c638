/* Stopping a process the host did not start, named by pid and start time. */
#ifndef HOST_PROC_STRANGER_H
#define HOST_PROC_STRANGER_H

#include "loader/plugin.h"

/* bp.proc/1's stop_stranger. */
bp_status stranger_stop(struct plugin *owner, int64_t pid, int64_t started, uint32_t grace_ms, void (*done)(void *ctx, bp_status status), void *ctx);
void strangers_release(void);

#endif
