/* Plugins that subscribe to topics: missed events first, then each as it is delivered, always on a later tick. */
#ifndef HOST_LIVE_SUBSCRIPTION_H
#define HOST_LIVE_SUBSCRIPTION_H

#include "live/record.h"

struct plugin;

bp_status subscription_add(struct plugin *owner, const bp_array *topics, bp_str key, uint64_t from, bp_live_fn fn, void *ctx, bp_subscription *ret);
bp_status subscription_cancel(bp_subscription handle);

/* A record is being delivered. */
void subscriptions_deliver(const struct record *record);
/* After a flush: those who waited for it go on. */
void subscriptions_flushed(void);
uint32_t subscriptions_listeners(bp_str topic);
uint32_t subscriptions_count(void);
void subscriptions_release(void);

#endif
