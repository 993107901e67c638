/* Rows of jobs: their table, writing one with its event, and reading. */
#ifndef HOST_JOB_ROWS_H
#define HOST_JOB_ROWS_H

#include "job/view.h"
#include "store/part.h"

#define JOB_TOPIC "bp.job"
#define JOB_PROGRESS_TOPIC "bp.job.progress"

bp_status job_rows_open(bp_error *err);
void job_rows_release(void);

/* Writes the row as it is now, and its event, in one unit. */
bp_status job_row_write(const struct job_view *view, bp_db_done_fn done, void *ctx, bp_error *err);
/* Publishes the progress; false where it should be tried again. */
bool job_row_publish_progress(const struct job_view *view);

struct job_filter;
bp_status job_rows_list(const struct job_filter *filter, bp_db_done_fn done, void *ctx, bp_error *err);
bp_status job_row_get(bp_str id, bp_db_done_fn done, void *ctx, bp_error *err);
/* The number that pages, and the row itself, borrowed from the result. */
int64_t job_row_number(const bp_db_outcome *outcome, uint32_t row);
struct job_view job_row_view(const bp_db_outcome *outcome, uint32_t row);
/* Rows finished before this are deleted, some at a time: `done` tells how many by the first step's changes. */
#define JOB_ROWS_AT_ONCE 1000
bp_status job_rows_forget(int64_t before_ms, bp_db_done_fn done, void *ctx, bp_error *err);

#endif
