/* Jobs: from main to a worker and back. Reads run beside each other, changes and scans one after the other, so that no two of
 * them wait for the same lock and what is announced is in order. */
#include "agents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start_next(struct agents *a);

struct job *job_new(struct agents *a, bp_request request, enum op op, bp_str name) {
  bp_str if_match = {NULL, 0};
  struct job *job = calloc(1, sizeof(*job));
  if (!job)
    return NULL;
  *job = (struct job){.module = a, .request = request, .op = op};
  if (name.len)
    memcpy(job->name, name.ptr, name.len < NAME_BYTES ? name.len : NAME_BYTES - 1);
  if (request && a->http->header(request, BP_LIT("If-Match"), &if_match) == BP_OK)
    snprintf(job->if_match, sizeof(job->if_match), "%.*s", (int)(if_match.len < 255 ? if_match.len : 255), if_match.ptr);
  return job;
}

void job_free(struct job *job) {
  struct bytes *texts[] = {&job->description, &job->prompt, &job->skills, &job->mcp,
                           &job->new_status,  &job->answer, &job->notice, &job->system_prompt};
  for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    bytes_free(texts[i]);
  known_free_all(job->module, job->seen);
  free(job);
}

/* ---- Answers ---- */

void job_answer_failure(const struct job *job) {
  const struct agents *a = job->module;
  char text[NAME_BYTES + 64];
  uint32_t status = 0;
  const char *what = NULL;
  if (job->status == BP_E_NOT_FOUND || job->status == BP_E_PARSE) {
    status = 404;
    what = "Agent not found";
  } else if (job->status == BP_E_EXISTS) {
    status = 409;
    what = "Agent already exists";
  } else if (job->status == BP_E_CONFLICT) {
    status = 412;
    what = "Agent has changed meanwhile";
  }
  if (what) {
    snprintf(text, sizeof(text), "%s: %s", what, job->name);
    kit_problem(a->http, job->request, status, str_z(text));
    return;
  }
  bp_error err = BP_ERROR_INIT;
  err.code = job->status;
  snprintf(err.message, sizeof(err.message), "%s", job->why ? job->why : "the agents' folder cannot be used");
  a->http->reply_failure(job->request, job->status == BP_E_DENIED ? BP_E_IO : job->status, &err);
}

static void answer_agent(const struct job *job) {
  const struct agents *a = job->module;
  char quoted[ETAG_BYTES + 2];
  if (job->op == OP_GET && a->http->precondition(job->request, str_z(job->etag), 0) != 0)
    return;
  if (job->op == OP_CREATE || job->op == OP_PATCH) {
    snprintf(quoted, sizeof(quoted), "\"%s\"", job->etag);
    a->http->header_add(job->request, BP_LIT("ETag"), str_z(quoted));
  }
  bp_str text = job->op == OP_DELETE ? BP_LIT("{\"success\":true,\"message\":\"Agent deleted successfully\"}") : bytes_str(&job->answer);
  a->http->reply_text(job->request, job->op == OP_CREATE ? 201 : 200, BP_LIT("application/json"), text);
}

/* ---- Running ---- */

static void run(void *ctx) {
  static void (*const operations[])(struct job * job) = {[OP_LIST] = op_list,   [OP_RUN] = op_run,       [OP_GET] = op_get,  [OP_CREATE] = op_create,
                                                         [OP_PATCH] = op_patch, [OP_DELETE] = op_delete, [OP_SCAN] = op_scan};
  struct job *job = ctx;
  operations[job->op](job);
}

static void finish(struct job *job, bp_status status) {
  struct agents *a = job->module;
  if (status != BP_OK)
    job->status = status;
  if (job->op == OP_SCAN) {
    if (job->status == BP_OK || job->status == BP_E_NOT_FOUND) {
      outside_compare(a, job->seen);
      job->seen = NULL;
    }
  } else if (job->then) {
    job->then(job);
    return;
  } else if (job->status != BP_OK) {
    job_answer_failure(job);
  } else {
    if (job->op >= OP_CREATE)
      outside_changed(a, job->op, job);
    answer_agent(job);
  }
  job_free(job);
}

static void on_read(void *ctx, bp_status status) {
  finish(ctx, status);
}

static void on_changed(void *ctx, bp_status status) {
  struct job *job = ctx;
  struct agents *a = job->module;
  a->is_job_running = false;
  finish(job, status);
  start_next(a);
}

static void start_next(struct agents *a) {
  while (!a->is_job_running && a->first) {
    struct job *job = a->first;
    a->first = job->next;
    a->last = a->first ? a->last : NULL;
    a->job_count--;
    a->is_scan_due &= job->op != OP_SCAN;
    bp_status status = a->loop->work(a->self, run, on_changed, job);
    if (status == BP_OK)
      a->is_job_running = true;
    else
      finish(job, status);
  }
}

void job_start(struct job *job) {
  struct agents *a = job->module;
  if (job->op < OP_CREATE) {
    bp_status status = a->loop->work(a->self, run, on_read, job);
    if (status != BP_OK)
      finish(job, status);
    return;
  }
  if (a->job_count >= JOBS_MOST) {
    job->why = "too many changes of agents wait";
    finish(job, BP_E_BUSY);
    return;
  }
  *(a->last ? &a->last->next : &a->first) = job;
  a->last = job;
  a->job_count++;
  start_next(a);
}

void job_scan_soon(struct agents *a) {
  if (a->is_scan_due)
    return;
  struct job *job = job_new(a, 0, OP_SCAN, bp_str_make(NULL, 0));
  if (!job)
    return;
  a->is_scan_due = true;
  job_start(job);
}
