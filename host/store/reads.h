/* A plugin's queries on one snapshot: copied on main, run on a reader, finished on main. */
#ifndef HOST_STORE_READS_H
#define HOST_STORE_READS_H

#include "store/statements.h"

#define READ_LIMIT_QUERIES 64u
#define READ_DEFAULT_ROWS 1000u
#define READ_LIMIT_DEADLINE_MS 60000u

/* Checks, copies and queues. On failure `done` will not run. Main. */
bp_status reads_submit(struct program *p, const bp_array *queries, uint32_t deadline_ms, bp_db_done_fn done, void *ctx, bp_error *err);

#endif
