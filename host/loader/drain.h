/* Taking a plugin out of service: no new requests, its own drain, revocation of all it registered, destroy, unmap.
 *
 * Asynchronous: everything that is pending ends first. Where something does not end in time, the image stays mapped. */
#ifndef HOST_LOADER_DRAIN_H
#define HOST_LOADER_DRAIN_H

#include "loader/plugin.h"
#include <stdbool.h>

/* How long a plugin's own drain may take, and then what is pending of it. */
#define DRAIN_DEADLINE_MS 10000

/* Starts the drain of a plugin in any phase up to STARTED; `done` is called when it is over, maybe at once. `failed`: it
 * ends as FAILED and stays listed with its reason; otherwise it is retired. A second call for the same plugin only takes
 * the new `done`. `deadline_ms`: on loop_now_ms's clock, for what is left of a common deadline. */
void drain_begin(struct plugin *plugin, bool failed, int64_t deadline_ms, void (*done)(void *arg), void *arg);
/* bp_host.drained. [any] */
void drain_finished_by_plugin(bp_plugin self);
/* True once a drain has run out of time with work still going on: nobody may wait for the workers then. */
bool drain_left_work(void);

#endif
