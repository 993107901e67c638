/* bp.job/1: long work with an id, progress and cancel. Clients see it at GET /jobs/{id} and on the live topic "bp.job". */
#ifndef BACKPLANE_JOB_H
#define BACKPLANE_JOB_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_JOB_1 "bp.job/1"

typedef uint64_t bp_job;

typedef void (*bp_job_cancel_fn)(void *ctx, bp_job job); /* somebody asked to cancel: end it soon with `finish` [main] */

typedef struct bp_job_1 {
  uint32_t size;
  /* Opens a job. `kind` is a word ("git.clone"), `title` a sentence, `principal` who asked for it. `cancel` NULL: it cannot
   * be cancelled. The row is stored; jobs still open when the host dies end as "lost". [main] */
  bp_status (*open)(bp_plugin self, bp_str kind, bp_str title, bp_str principal, bp_job_cancel_fn cancel, void *ctx, bp_job *ret);
  bp_str (*id)(bp_job job); /* borrowed until it is finished */
  /* Progress: `done_units` of `total_units` (0: unknown), and a short text. Coalesced to at most 10 events a second. [any] */
  bp_status (*progress)(bp_job job, uint64_t done_units, uint64_t total_units, bp_str text);
  /* Ends it: BP_OK with a result (JSON text), BP_E_CANCELLED, or a failure with a sentence in `result` as JSON text. [any] */
  bp_status (*finish)(bp_job job, bp_status status, bp_str result);
} bp_job_1;

#ifdef __cplusplus
}
#endif

#endif
