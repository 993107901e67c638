/* A job as clients see it, from wherever it is read. */
#ifndef HOST_JOB_VIEW_H
#define HOST_JOB_VIEW_H

#include <backplane/base.h>
#include <jansson.h>
#include <stdbool.h>

struct job_view {
  bp_str id, module, kind, title, principal;
  bp_str status; /* running, done, failed, cancelled, lost */
  bp_str text;   /* of the progress */
  bp_str result; /* JSON text of the result, or of the error; may be empty */
  bool can_cancel;
  int64_t done_units, total_units; /* total 0: unknown */
  int64_t opened_ms, finished_ms;  /* since 1970; finished 0: not yet */
};

/* A new object, or NULL without memory. */
json_t *job_view_json(const struct job_view *view);
/* {"id", "progress"}: what "bp.job.progress" carries. */
json_t *job_view_progress_json(const struct job_view *view);

#endif
