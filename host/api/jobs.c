/* Long work as clients see it: GET /jobs, GET /jobs/ID, POST /jobs/ID/cancel. */
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/job.h"

#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MOST 1000
#define ID_BYTES_MOST 64

/* ---- Lists ---- */

static void listed(void *ctx, bp_status status, json_t *jobs, int64_t next, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && status != BP_OK)
    reply_failure(x, status, err);
  else if (x)
    reply_json(x, 200, json_pack("{s:O, s:o}", "jobs", jobs, "next", next ? json_integer(next) : json_null()));
}

void api_jobs(struct http_exchange *x, bp_str body) {
  struct buf module = {0}, kind = {0}, word = {0};
  bp_error err = BP_ERROR_INIT;
  int64_t limit, before;
  (void)body;
  if (!query_integer(x, "limit", 1, LIMIT_MOST, LIMIT_DEFAULT, &limit) || !query_integer(x, "before", 1, INT64_MAX, 0, &before))
    return;
  query_value(x->query, BP_LIT("module"), &module);
  query_value(x->query, BP_LIT("kind"), &kind);
  query_value(x->query, BP_LIT("status"), &word);
  const struct job_filter filter = {buf_str(&module), buf_str(&kind), buf_str(&word), before, (uint32_t)limit};
  struct waiting *waiting = waiting_begin(x);
  bp_status status = job_list(&filter, listed, waiting, &err);
  if (status != BP_OK)
    reply_failure(waiting_end(waiting), status, &err);
  buf_release(&module);
  buf_release(&kind);
  buf_release(&word);
}

/* ---- One job ---- */

static void answer_job(void *ctx, unsigned success, bp_status status, json_t *job, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && status != BP_OK)
    reply_failure(x, status, err);
  else if (x)
    reply_json(x, success, json_incref(job));
}

static void got(void *ctx, bp_status status, json_t *job, const bp_error *err) {
  answer_job(ctx, 200, status, job, err);
}

static void asked(void *ctx, bp_status status, json_t *job, const bp_error *err) {
  answer_job(ctx, 202, status, job, err);
}

static const char *copy_id(bp_str text, char id[ID_BYTES_MOST]) {
  memcpy(id, text.ptr, text.len);
  id[text.len] = '\0';
  return id;
}

/* Holding the exchange moves its strings, so `id` is a copy. */
static void answer_with(struct http_exchange *x, const char *id, job_get_fn fn) {
  bp_error err = BP_ERROR_INIT;
  struct waiting *waiting = waiting_begin(x);
  bp_status status = job_get(str_from(id), fn, waiting, &err);
  if (status != BP_OK)
    reply_failure(waiting_end(waiting), status, &err);
}

void api_job(struct http_exchange *x, bp_str body) {
  (void)body;
  bp_str segment = read_last_segment(x, "/jobs/");
  char id[ID_BYTES_MOST];
  if (segment.len == 0)
    return;
  if (segment.len < sizeof(id))
    answer_with(x, copy_id(segment, id), got);
  else
    reply_problem(x, 404, "there is no job of this id", NULL);
}

/* ---- Cancelling ---- */

/* Not open: it never was, or it is over. */
static void answer_over(void *ctx, bp_status status, json_t *job, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  (void)job;
  if (x && status != BP_OK)
    reply_failure(x, status, err);
  else if (x)
    reply_problem(x, 409, "the job is over", NULL);
}

void api_job_cancel(struct http_exchange *x, bp_str body) {
  static const bp_str tail = BP_STR("/cancel"), head = BP_STR("/jobs/");
  bp_error err = BP_ERROR_INIT;
  char id[ID_BYTES_MOST];
  (void)body;
  if (!str_ends(x->path, tail) || x->path.len <= head.len + tail.len || x->path.len - head.len - tail.len >= sizeof(id)) {
    reply_problem(x, 404, "nothing is served at this path", "POST /jobs/ID/cancel asks a job to end");
    return;
  }
  copy_id(bp_str_make(x->path.ptr + head.len, x->path.len - head.len - tail.len), id);
  bp_status status = job_cancel(str_from(id), &err);
  if (status == BP_E_UNSUPPORTED)
    reply_problem(x, 409, err.message, NULL);
  else
    answer_with(x, id, status == BP_OK ? asked : answer_over);
}
