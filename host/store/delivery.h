/* What runs on main after the writer has finished a batch: live events first, then each unit's `done`, in order. */
#ifndef HOST_STORE_DELIVERY_H
#define HOST_STORE_DELIVERY_H

#include "store/batch.h"

/* The completion of a batch. */
void delivery_batch(struct completion *c);
/* Numbers that will not be used. Posts. [any] */
void delivery_give_up(uint64_t first, uint32_t count);
/* Tells plugins and the log that the store became read-only, or writable again. Posts. [any] */
void delivery_announce(bool is_readonly);

/* Calls a plugin's `done` with the outcome and makes the result stale afterwards. Main. Also for a plugin whose drain ran out
 * of time: the loader keeps its image and state then. */
void deliver_outcome(struct program *p, const char *what, bp_db_done_fn done, void *ctx, const struct result *result, bp_db_outcome *outcome);
/* The result behind a handle while `done` runs, or NULL. Main. */
const struct result *result_of(bp_db_result handle);

#endif
