/* Host events (bp.events/1) from inside the host. */
#ifndef HOST_LOADER_EVENTS_H
#define HOST_LOADER_EVENTS_H

#include <backplane/base.h>

struct plugin;
/* Queues a "bp." notice for all subscribers, or for one plugin only. */
void events_emit(bp_str name, bp_str payload, struct plugin *only);

#endif
