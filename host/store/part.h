/* Tables of the host's own: a part of the host declares them as a plugin does, and reads and writes them in the same way.
 *
 * A part's id is reserved ("bp.job"); its tables, indexes and triggers begin with it ("bp_job_"), its topics are its id or lie
 * below it. Main thread, all of it. Results are read with db_table, events of ephemeral topics published with live_table. */
#ifndef HOST_STORE_PART_H
#define HOST_STORE_PART_H

#include <backplane/db.h>
#include <backplane/live.h>

struct store_part;

struct store_part_plan {
  const char *id;
  bp_array migrations; /* of bp_migration */
  bp_array statements; /* of bp_statement */
  bp_array topics;     /* of bp_topic; may be empty */
};

/* After store_open, before store_ready and any plugin. The plan's arrays are copied. */
bp_status store_part_add(const struct store_part_plan *plan, struct store_part **ret, bp_error *err);
/* After store_close, when no `done` can come any more. NULL is fine. */
void store_part_remove(struct store_part *part);

/* As bp.db/1's write and read: where BP_OK is returned `done` runs exactly once, else never. */
bp_status store_part_write(struct store_part *part, const bp_db_step *steps, uint32_t count, bp_db_done_fn done, void *ctx, bp_error *err);
bp_status store_part_read(struct store_part *part, const bp_db_query *queries, uint32_t count, bp_db_done_fn done, void *ctx, bp_error *err);
/* The first integer a query on the part's tables gives, or `fallback`, for numbers that go on from the last run. While the host
 * starts only: it blocks. */
int64_t store_part_integer(const char *sql, int64_t fallback);
/* For live_table.publish on an ephemeral topic of the part. [any] */
bp_plugin store_part_handle(const struct store_part *part);

/* Values of statements. */
bp_db_value part_text(bp_str text);
bp_db_value part_blob(bp_str bytes);
bp_db_value part_integer(int64_t value);
/* Cells of a result inside `done`: empty, and 0, for NULL and for what is not there. */
bp_str part_text_at(const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column);
int64_t part_integer_at(const bp_db_outcome *outcome, uint32_t step, uint32_t row, uint32_t column);

/* The members of a step or query that runs a declared statement with an array of values: {PART_EXEC(INSERT, values)}. */
#define PART_EXEC(number, values) .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = (number), .params = BP_ARRAY(values)
#define PART_QUERY(number, values) .size = sizeof(bp_db_query), .statement = (number), .params = BP_ARRAY(values)

#endif
