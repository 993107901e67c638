/* Files of a plugin's folder (bp.stream/1): keeping uploads, removing, and answering with one. File work is done by workers,
 * everything that touches a request on main. */
#include "base/fail.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "router/file_reply.h"
#include "router/folder_file.h"
#include "router/request.h"
#include "router/spool.h"
#include "router/stream_calls.h"
#include "router/upload.h"
#include "router/upload_keep.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Keeping and removing: one job, two things to do ---- */

struct file_job {
  struct work work;
  bp_plugin owner;
  struct upload *upload; /* of a part being kept, else NULL */
  uint32_t part;
  char spool_name[SPOOL_NAME_BYTES];
  char *folder;
  char *path;
  bp_file_done_fn done;
  void *ctx;
  bp_status status;
  bp_error error;
};

static void job_run(struct work *work) {
  struct file_job *job = (struct file_job *)work;
  if (job->upload != NULL)
    job->status = folder_keep(job->folder, job->spool_name, job->path, &job->error);
  else
    job->status = folder_remove(job->folder, job->path, &job->error);
}

static void job_done(struct work *work, bool cancelled) {
  struct file_job *job = (struct file_job *)work;
  struct plugin *owner = plugin_get(job->owner);
  struct culprit frame;
  if (cancelled)
    job->status = fail(&job->error, BP_E_CANCELLED, "\"%s\" was left as it is: the module is being stopped", job->path);
  if (job->upload != NULL)
    upload_keep_end(job->upload, job->part, job->status == BP_OK);
  if (owner != NULL && job->done != NULL) {
    culprit_enter(&frame, owner, "end of file work", str_from(job->path));
    job->done(job->ctx, job->status, job->status == BP_OK ? NULL : &job->error);
    culprit_leave(&frame);
  }
  free(job->folder);
  free(job->path);
  free(job);
}

/* A job for a path of this plugin's folder, or NULL and *ret_status. */
static struct file_job *job_new(const struct plugin *owner, bp_str path, bp_file_done_fn done, void *ctx, bp_status *ret_status) {
  bp_str folder = core_table.folder(owner->handle);
  struct file_job *job = NULL;
  *ret_status = !folder_path_is_plain(path) ? BP_E_INVALID : folder.len == 0 ? BP_E_IO : BP_E_NO_MEMORY;
  if (*ret_status == BP_E_NO_MEMORY)
    job = calloc(1, sizeof(*job));
  if (job == NULL)
    return NULL;
  *job = (struct file_job){.owner = owner->handle, .done = done, .ctx = ctx, .error = BP_ERROR_INIT};
  job->work = (struct work){.run = job_run, .done = job_done, .owner = owner};
  job->folder = str_dupz(folder);
  job->path = str_dupz(path);
  return job;
}

static void job_drop(struct file_job *job) {
  free(job->folder);
  free(job->path);
  free(job);
}

bp_status stream_part_keep(bp_request request, uint32_t index, bp_str path, bp_file_done_fn done, void *ctx) {
  bp_status status;
  const char *spool_name;
  if (!loop_is_main())
    return BP_E_THREAD;
  struct upload *upload = request_upload(request);
  if (upload == NULL)
    return BP_E_STALE;
  if (!request_is_deferred(request))
    return BP_E_STATE;
  struct file_job *job = job_new(request_owner(request), path, done, ctx, &status);
  if (job == NULL)
    return status;
  status = upload_keep_begin(upload, index, &spool_name);
  if (status != BP_OK) {
    job_drop(job);
    return status;
  }
  job->upload = upload;
  job->part = index;
  (void)snprintf(job->spool_name, sizeof(job->spool_name), "%s", spool_name);
  workers_submit(&job->work);
  return BP_OK;
}

bp_status stream_file_remove(bp_plugin self, bp_str path, bp_file_done_fn done, void *ctx) {
  bp_status status;
  if (!loop_is_main())
    return BP_E_THREAD;
  struct plugin *owner = plugin_get(self);
  if (owner == NULL)
    return BP_E_STALE;
  struct file_job *job = job_new(owner, path, done, ctx, &status);
  if (job == NULL)
    return status;
  workers_submit(&job->work);
  return BP_OK;
}

/* ---- Answering with a file ---- */

struct folder_source {
  struct file_source base;
  char *folder;
  char *path;
};

static bp_status source_open(struct file_source *base, int *ret_fd, struct stat *ret_info, bp_error *err) {
  const struct folder_source *source = (const struct folder_source *)base;
  return folder_open(source->folder, source->path, ret_fd, ret_info, err);
}

static void source_free(struct file_source *base) {
  struct folder_source *source = (struct folder_source *)base;
  free(source->folder);
  free(source->path);
  free(source);
}

bp_status stream_send_file(bp_request request, bp_str path, const bp_file_reply *options) {
  if (!loop_is_main())
    return BP_E_THREAD;
  const struct request *r = request_find(request);
  if (r == NULL || request_is_claimed(r))
    return BP_E_STALE;
  if (!folder_path_is_plain(path))
    return BP_E_INVALID;
  struct folder_source *source = calloc(1, sizeof(*source));
  if (source == NULL)
    return BP_E_NO_MEMORY;
  *source = (struct folder_source){.base = {source_open, source_free}};
  source->folder = str_dupz(core_table.folder(r->route->owner->handle));
  source->path = str_dupz(path);
  return file_reply(request, &source->base, options);
}
