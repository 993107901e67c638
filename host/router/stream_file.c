/* Files of a plugin's folder (bp.stream/1): keeping uploads, removing, and answering with one. File work is done by workers,
 * everything that touches a request on main. */
#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "router/condition.h"
#include "router/disposition.h"
#include "router/folder_file.h"
#include "router/range.h"
#include "router/request.h"
#include "router/spool.h"
#include "router/stream_calls.h"
#include "router/stream_text.h"
#include "router/upload.h"
#include "router/upload_keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* From send_file to the reply: the request is claimed, so nobody else answers; the follower says if the client leaves. */
struct send_job {
  struct work work;
  struct http_exchange *x; /* NULL once the client has left */
  struct family *family;
  uint32_t flags;
  struct buf texts; /* content type, file name and tag, one after the other */
  size_t type_len, filename_len;
  char *folder;
  char *path;
  int fd;
  struct stat info;
  bp_status status;
  bp_error error;
};

static void send_free(struct send_job *job) {
  if (job->fd >= 0)
    close(job->fd);
  buf_release(&job->texts);
  free(job->folder);
  free(job->path);
  free(job);
}

static void send_gone(struct http_exchange *x, void *ctx, bp_status why) {
  (void)x, (void)why;
  ((struct send_job *)ctx)->x = NULL;
}

static void send_run(struct work *work) {
  struct send_job *job = (struct send_job *)work;
  job->status = folder_open(job->folder, job->path, &job->fd, &job->info, &job->error);
}

static void send_failure(struct http_exchange *x, const struct send_job *job, bool cancelled) {
  if (job->status == BP_E_NOT_FOUND) {
    family_reply_text(x, job->family, 404, family_facts(job->family)->not_found_text);
  } else if (cancelled || job->status == BP_E_BUSY) {
    exchange_header_add(x, BP_LIT("Retry-After"), BP_LIT("1"));
    family_reply_text(x, job->family, 503, BP_LIT("the file cannot be read at the moment; try again"));
  } else {
    log_error("router", "%s", job->error.message);
    family_reply_text(x, job->family, 500, BP_LIT("the file cannot be read; the log says why"));
  }
}

static bp_str text_at(const struct send_job *job, size_t offset, size_t len) {
  return bp_str_make(job->texts.data + offset, len);
}

/* The tag given, or one of size and time. */
static bp_str tag_of(const struct send_job *job, char made[64]) {
  size_t before = job->type_len + job->filename_len;
  if (job->texts.len > before)
    return text_at(job, before, job->texts.len - before);
  int len = snprintf(made, 64, "%llx-%llx%08lx", (unsigned long long)job->info.st_size, (unsigned long long)job->info.st_mtim.tv_sec,
                     (unsigned long)job->info.st_mtim.tv_nsec);
  return bp_str_make(made, (size_t)len);
}

static void add_disposition(struct http_exchange *x, const struct send_job *job) {
  struct buf text = {0};
  if (!(job->flags & BP_FILE_ATTACHMENT) && job->filename_len == 0)
    return;
  disposition_write(&text, job->flags & BP_FILE_ATTACHMENT, text_at(job, job->type_len, job->filename_len));
  if (!text.failed)
    exchange_header_add(x, BP_LIT("Content-Disposition"), buf_str(&text));
  buf_release(&text);
}

static void add_content_range(struct http_exchange *x, const struct range *range, uint64_t size_bytes) {
  struct buf text = {0};
  range_write(&text, range, size_bytes);
  if (!text.failed)
    exchange_header_add(x, BP_LIT("Content-Range"), buf_str(&text));
  buf_release(&text);
}

/* Conditions first, then the range (RFC 9110 section 13.2.2). The wire closes the file. */
static void send_file(struct http_exchange *x, struct send_job *job) {
  char made[64];
  bp_str tag = tag_of(job, made);
  uint64_t size_bytes = (uint64_t)job->info.st_size;
  unsigned status = condition_check(x, tag, job->info.st_mtim.tv_sec);
  if (status != 0) {
    request_note_status(x, status);
    exchange_reply(x, status, BP_LIT(""), BP_LIT(""));
    return;
  }
  struct range range = range_of(x, size_bytes, tag, job->info.st_mtim.tv_sec);
  exchange_header_add(x, BP_LIT("Accept-Ranges"), BP_LIT("bytes"));
  if (range.kind != RANGE_WHOLE)
    add_content_range(x, &range, size_bytes);
  if (range.kind == RANGE_UNSATISFIABLE) {
    family_reply_text(x, job->family, 416, BP_LIT("the range asked for lies outside the file"));
    return;
  }
  add_disposition(x, job);
  status = range.kind == RANGE_PART ? 206 : 200;
  request_note_status(x, status);
  int fd = job->fd;
  job->fd = -1;
  exchange_reply_file(x, status, text_at(job, 0, job->type_len), fd, (off_t)range.offset, range.kind == RANGE_PART ? range.length : size_bytes);
}

static void send_done(struct work *work, bool cancelled) {
  struct send_job *job = (struct send_job *)work;
  struct http_exchange *x = job->x;
  if (x != NULL) {
    request_follow(x, NULL, NULL);
    if (cancelled || job->status != BP_OK)
      send_failure(x, job, cancelled);
    else
      send_file(x, job);
  }
  send_free(job);
}

static struct send_job *send_new(const struct request *r, bp_str path, const bp_file_reply *options) {
  struct send_job *job = calloc(1, sizeof(*job));
  if (job == NULL)
    return NULL;
  *job = (struct send_job){.x = r->x, .family = r->family, .flags = options->flags, .fd = -1, .error = BP_ERROR_INIT};
  job->work = (struct work){.run = send_run, .done = send_done};
  job->type_len = options->content_type.len;
  job->filename_len = options->filename.len;
  buf_append_str(&job->texts, options->content_type);
  buf_append_str(&job->texts, options->filename);
  buf_append_str(&job->texts, options->etag);
  job->folder = str_dupz(core_table.folder(r->route->owner->handle));
  job->path = str_dupz(path);
  if (!job->texts.failed)
    return job;
  send_free(job);
  return NULL;
}

bp_status stream_send_file(bp_request request, bp_str path, const bp_file_reply *options) {
  bp_file_reply known = {0};
  if (!loop_is_main())
    return BP_E_THREAD;
  struct request *r = request_find(request);
  if (r == NULL || request_is_claimed(r))
    return BP_E_STALE;
  if (options != NULL)
    memcpy(&known, options, options->size < sizeof(known) ? options->size : sizeof(known));
  if (!folder_path_is_plain(path) || !is_header_text(known.content_type) || (known.etag.len > 0 && !condition_is_tag(known.etag)))
    return BP_E_INVALID;
  struct send_job *job = send_new(r, path, &known);
  if (job == NULL)
    return BP_E_NO_MEMORY;
  request_hold(r);
  (void)request_claim(r);
  request_follow(job->x, send_gone, job);
  workers_submit(&job->work);
  return BP_OK;
}
