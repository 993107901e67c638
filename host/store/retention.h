/* Retention of the live log by age and size, in small pieces on the writer thread when it is idle.
 *
 * The log's size is counted as events are added and kept in bp_meta with the sequence it includes; what an unclean stop left
 * uncounted is counted later, piece by piece. A plugin's own rows are not touched. */
#ifndef HOST_STORE_RETENTION_H
#define HOST_STORE_RETENTION_H

#include "store/batch.h"

/* [any] */
void retention_set(int64_t days, int64_t bytes);
/* Reads what was saved. Before the writer thread starts. */
void retention_open(struct database *d);
/* An event was committed. Writer. */
void retention_added(const struct live_row *row);
/* One piece of counting or deleting; true: there is more to do. Writer. */
bool retention_run_some(struct batch_writer *w, int *ret_rc);
/* Keeps the count for the next start. Writer. */
void retention_save(struct batch_writer *w);

#endif
