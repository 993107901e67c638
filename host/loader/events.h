/* Host events: a bounded queue of notices, delivered to subscribers on main in a later tick. bp.events/1 is events_table.c. */
#ifndef HOST_LOADER_EVENTS_H
#define HOST_LOADER_EVENTS_H

#include <backplane/events.h>
#include <stdbool.h>

struct plugin;

/* Queues a "bp." notice for all subscribers, or for one plugin only. Never refused for lack of room: the host's notices are
 * few. Main thread. */
void events_emit(bp_str name, bp_str payload, struct plugin *only);

/* A plugin's notice; BP_E_BUSY when the queue is full. Copies. Any thread. */
bp_status events_queue(bp_str name, bp_str payload);
bp_status events_subscribe(struct plugin *owner, bp_str name, bp_event_fn fn, void *ctx, bp_subscription *ret);
bp_status events_unsubscribe(bp_subscription subscription);
/* True if this plugin would be told a notice of this name. Main thread. */
bool events_has_subscriber(const struct plugin *plugin, bp_str name);
/* Drops what is queued and frees the tables, at the very end. */
void events_release(void);

#endif
