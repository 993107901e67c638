/* Declared topics: who may publish what, and what of the ephemeral ones is lost. Matching of names against filters.
 *
 * A filter is a list of names; one that ends in ".*" stands for everything below it; an empty list for all topics. */
#ifndef HOST_LIVE_TOPICS_H
#define HOST_LIVE_TOPICS_H

#include "live/live.h"

struct filter {
  const bp_str *names;
  uint32_t count;
};

bp_status topics_add(struct plugin *owner, const bp_array *topics, uint64_t floor, bp_error *err);
void topics_remove(const struct plugin *owner);
void topics_release(void);
/* BP_OK, BP_E_DENIED (not a topic of that plugin), BP_E_INVALID (of the other kind). [any] */
bp_status topics_check(bp_plugin owner, bp_str topic, uint32_t kind);

bool filter_matches(struct filter filter, bp_str topic);
/* An ephemeral event of this topic has left the ring. Main thread. */
void topics_lost(bp_str topic, uint64_t sequence);
/* The highest sequence of a lost event on any ephemeral topic of the filter; 0 if there is none. Main thread. */
uint64_t topics_lost_through(struct filter filter);
/* True if every name of the filter is a declared ephemeral topic, so that the store has nothing for it. Main thread. */
bool topics_all_ephemeral(struct filter filter);

#endif
