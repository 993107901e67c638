/* Operations on their way; see job.h. */
#include "fs/job.h"
#include "base/fail.h"
#include "base/str.h"
#include "router/upload_keep.h"

#include <stdlib.h>

/* Long jobs that wait for the one that runs. */
static struct fs_job *waiting;
static bool is_long_running;

bool job_should_end(const struct fs_job *job) {
  return root_is_closed(job->root);
}

bp_status job_ended(struct fs_job *job) {
  return fail(&job->error, BP_E_CANCELLED, "the work on \"%.100s\" was ended: the root was closed", job->path);
}

void job_drop(struct fs_job *job) {
  root_discharge(job->root, job->charged_bytes);
  root_unref(job->root);
  free(job->path);
  free(job->other);
  free(job->entries);
  free(job->names);
  buf_release(&job->data);
  free(job);
}

static void run_job(struct work *work) {
  struct fs_job *job = (struct fs_job *)work;
  job->status = job_should_end(job) ? job_ended(job) : job->run(job);
}

static void tell(struct fs_job *job) {
  struct culprit frame;
  bool is_fine = job->status == BP_OK;
  bp_fs_result result = {.size = sizeof(result), .status = job->status, .total = job->total, .more = job->more, .error = &job->error};
  if (is_fine && job->run == read_file)
    result.data = buf_str(&job->data);
  if (is_fine && job->count > 0)
    result.entries = (bp_array){job->entries, job->count, sizeof(*job->entries)};
  culprit_enter(&frame, job->root->plugin, "end of file work", str_from(job->path));
  job->done(job->ctx, &result);
  culprit_leave(&frame);
}

/* Those whose root is closed go at once, so that a drain finds them among the pending work. */
static void start_next_long(void) {
  struct fs_job **at = &waiting;
  while (*at) {
    struct fs_job *job = *at;
    if (is_long_running && !job_should_end(job)) {
      at = &job->next;
      continue;
    }
    *at = job->next;
    if (job_should_end(job))
      job->is_long = false;
    else
      is_long_running = true;
    workers_submit(&job->work);
  }
}

static void job_done(struct work *work, bool cancelled) {
  struct fs_job *job = (struct fs_job *)work;
  if (cancelled)
    job->status = job_ended(job);
  if (job->upload)
    upload_keep_end(job->upload, job->part, job->status == BP_OK);
  if (job->is_long) {
    is_long_running = false;
    start_next_long();
  }
  if (job->done)
    tell(job);
  job_drop(job);
}

void job_end_waiting(void) {
  start_next_long();
}

static bp_status check_order(const struct job_order *order, const struct fs_root *root) {
  if (!root)
    return BP_E_STALE;
  if (order->path.len > 65536 || order->other.len > 65536 || (order->path.len && str_find(order->path, '\0') >= 0) ||
      (order->other.len && str_find(order->other, '\0') >= 0))
    return BP_E_INVALID;
  return order->changes && (root->flags & BP_ROOT_READ_ONLY) ? BP_E_DENIED : BP_OK;
}

struct fs_job *job_new(const struct job_order *order, bp_status *ret_status) {
  struct fs_root *root = root_get(order->root);
  uint64_t bytes = order->data.len + order->room_bytes;
  *ret_status = check_order(order, root);
  if (*ret_status == BP_OK)
    *ret_status = root_charge(root, bytes);
  if (*ret_status != BP_OK)
    return NULL;
  struct fs_job *job = calloc(1, sizeof(*job));
  if (job && order->data.len)
    buf_append_str(&job->data, order->data);
  if (!job || job->data.failed) {
    root_discharge(root, bytes);
    free(job);
    *ret_status = BP_E_NO_MEMORY;
    return NULL;
  }
  job->work = (struct work){.run = run_job, .done = job_done, .owner = root->plugin};
  job->root = root;
  root->references++;
  job->run = order->run;
  job->is_long = order->is_long;
  job->done = order->done;
  job->ctx = order->ctx;
  job->charged_bytes = bytes;
  job->path = str_dupz(order->path);
  job->other = str_dupz(order->other);
  job->error = (bp_error)BP_ERROR_INIT;
  return job;
}

void job_start(struct fs_job *job) {
  struct fs_job **end = &waiting;
  if (!job->is_long) {
    workers_submit(&job->work);
    return;
  }
  while (*end)
    end = &(*end)->next;
  *end = job;
  start_next_long();
}
