/* Answering with a file; see file_reply.h. */
#include "router/file_reply.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "loop/workers.h"
#include "router/condition.h"
#include "router/disposition.h"
#include "router/header_text.h"
#include "router/range.h"
#include "router/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From send_file to the reply: the request is claimed, so nobody else answers; the follower says if the client leaves. */
struct send_job {
  struct work work;
  struct http_exchange *x; /* NULL once the client has left */
  struct family *family;
  uint32_t flags;
  struct buf texts; /* content type, file name and tag, one after the other */
  size_t type_len, filename_len;
  struct file_source *source;
  int fd;
  struct stat info;
  bp_status status;
  bp_error error;
};

static void send_free(struct send_job *job) {
  if (job->fd >= 0)
    close(job->fd);
  buf_release(&job->texts);
  job->source->free(job->source);
  free(job);
}

static void send_gone(struct http_exchange *x, void *ctx, bp_status why) {
  (void)x, (void)why;
  ((struct send_job *)ctx)->x = NULL;
}

static void send_run(struct work *work) {
  struct send_job *job = (struct send_job *)work;
  job->status = job->source->open(job->source, &job->fd, &job->info, &job->error);
}

static void send_failure(struct http_exchange *x, const struct send_job *job, bool cancelled) {
  if (!cancelled && job->status == BP_E_NOT_FOUND) {
    family_reply_text(x, job->family, 404, family_facts(job->family)->not_found_text);
  } else if (!cancelled && (job->status == BP_E_DENIED || job->status == BP_E_INVALID)) {
    family_reply_text(x, job->family, 403, BP_LIT("this path is not served"));
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

static struct send_job *send_new(const struct request *r, struct file_source *source, const bp_file_reply *options) {
  struct send_job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    source->free(source);
    return NULL;
  }
  *job = (struct send_job){.x = r->x, .family = r->family, .flags = options->flags, .source = source, .fd = -1, .error = BP_ERROR_INIT};
  job->work = (struct work){.run = send_run, .done = send_done};
  job->type_len = options->content_type.len;
  job->filename_len = options->filename.len;
  buf_append_str(&job->texts, options->content_type);
  buf_append_str(&job->texts, options->filename);
  buf_append_str(&job->texts, options->etag);
  if (!job->texts.failed)
    return job;
  send_free(job);
  return NULL;
}

bp_status file_reply(bp_request request, struct file_source *source, const bp_file_reply *options) {
  bp_file_reply known = {0};
  struct request *r = request_find(request);
  if (options != NULL)
    memcpy(&known, options, options->size < sizeof(known) ? options->size : sizeof(known));
  bool is_live = r != NULL && !request_is_claimed(r);
  if (!is_live || !is_header_text(known.content_type) || (known.etag.len > 0 && !condition_is_tag(known.etag))) {
    source->free(source);
    return is_live ? BP_E_INVALID : BP_E_STALE;
  }
  struct send_job *job = send_new(r, source, &known);
  if (job == NULL)
    return BP_E_NO_MEMORY;
  request_hold(r);
  (void)request_claim(r);
  request_follow(job->x, send_gone, job);
  workers_submit(&job->work);
  return BP_OK;
}
