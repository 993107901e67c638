/* Long work with an id: what is open in memory, what is stored, and who is told. bp.job/1 is job_table.c; clients ask through
 * host/api/jobs.c. Main thread, but for job_progress and job_finish.
 *
 * Opening and ending are rows and events on the durable topic "bp.job"; progress is on the ephemeral "bp.job.progress". */
#ifndef HOST_JOB_JOB_H
#define HOST_JOB_JOB_H

#include <backplane/job.h>
#include <jansson.h>
#include <stdbool.h>

struct plugin;

#define JOB_LIMIT_OPEN 256u       /* of one plugin */
#define JOB_LIMIT_TEXT_BYTES 256u /* of title, principal and progress text: cut */
#define JOB_LIMIT_RESULT_BYTES (1024u * 1024)
#define JOB_PROGRESS_MS 100 /* between two events of one job */
#define JOB_RETENTION_MS (INT64_C(7) * 24 * 3600 * 1000)

/* After store_open: jobs a dead host left open end as "lost", finished ones older than the retention are forgotten. */
bp_status jobs_open(bp_error *err);
/* After store_close. */
void jobs_release(void);

/* Arguments are checked by the caller. */
bp_status job_open(struct plugin *owner, bp_str kind, bp_str title, bp_str principal, bp_job_cancel_fn cancel, void *ctx, bp_job *ret);
bp_str job_id(bp_job job);
bp_status job_progress(bp_job job, uint64_t done_units, uint64_t total_units, bp_str text);
bp_status job_finish(bp_job job, bp_status status, bp_str result);

/* ---- For clients ---- */

struct job_filter {
  bp_str module, kind, status; /* empty: any */
  int64_t before;              /* only jobs older than this number; 0: from the newest */
  uint32_t limit;
};
/* `jobs` is borrowed: a list, newest first. `next`: the `before` of the next page, 0 at the end. */
typedef void (*job_list_fn)(void *ctx, bp_status status, json_t *jobs, int64_t next, const bp_error *err);
bp_status job_list(const struct job_filter *filter, job_list_fn done, void *ctx, bp_error *err);
/* `job` is borrowed. BP_E_NOT_FOUND. Runs before job_get returns where the job is open. */
typedef void (*job_get_fn)(void *ctx, bp_status status, json_t *job, const bp_error *err);
bp_status job_get(bp_str id, job_get_fn done, void *ctx, bp_error *err);
/* Asks an open job to end; asking twice is asking once. BP_E_NOT_FOUND: none is open under this id; BP_E_UNSUPPORTED. */
bp_status job_cancel(bp_str id, bp_error *err);

struct job_view;
/* An open job as it is now; false if none of this id is open. One that has ended counts as open until each reading is over that may
 * have seen its row from before. `text` is memory for the view. */
bool job_open_view(bp_str id, struct job_view *ret, char text[JOB_LIMIT_TEXT_BYTES + 1]);

/* Around each reading of rows that job_open_view completes: rows are read on other threads, beside the writing of ends. */
struct job_reading {
  struct job_reading *next, *previous;
  uint64_t number; /* in the order of their beginnings */
};
void job_reading_begin(struct job_reading *reading);
void job_reading_end(struct job_reading *reading);

#endif
