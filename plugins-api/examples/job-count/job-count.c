/* Example: long work that clients can watch and cancel (bp.job/1).
 *
 *   POST /count {"to": 100}   ->   202 {"job": "job_…"}
 *
 * The work is counting, one a millisecond. GET /jobs/ID shows how far it is, POST /jobs/ID/cancel ends it, and both the live
 * topics "bp.job" and "bp.job.progress" tell of it. */
#include <backplane/backplane.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_job_1 *job;
  const bp_loop_1 *loop;
} counter;

struct count {
  bp_job job;
  bp_timer timer;
  int64_t at, to;
};

/* The job is over: nobody calls us about it any more. */
static void end(struct count *count, bp_status status) {
  char result[40];
  snprintf(result, sizeof(result), "%lld", (long long)count->at);
  counter.loop->timer_cancel(count->timer);
  counter.job->finish(count->job, status, bp_str_make(result, strlen(result)));
  free(count);
}

static void on_cancel(void *ctx, bp_job job) {
  (void)job;
  end(ctx, BP_E_CANCELLED);
}

static void on_timer(void *ctx, bp_timer timer) {
  struct count *count = ctx;
  (void)timer;
  count->at++;
  counter.job->progress(count->job, (uint64_t)count->at, (uint64_t)count->to, BP_LIT("counting"));
  if (count->at >= count->to)
    end(count, BP_OK);
}

static bp_status begin(struct count *count, bp_str principal) {
  bp_status status = counter.job->open(counter.self, BP_LIT("example.count"), BP_LIT("Count, slowly"), principal, on_cancel, count, &count->job);
  if (status != BP_OK)
    return status;
  status = counter.loop->timer(counter.self, 1, 1, on_timer, count, &count->timer);
  if (status != BP_OK)
    counter.job->finish(count->job, status, BP_LIT("\"no timer could be started\""));
  return status;
}

static void answer(bp_request request, const struct count *count) {
  bp_json_writer out = 0;
  counter.json->writer_new(counter.self, &out);
  counter.json->object_begin(out);
  counter.json->key(out, BP_LIT("job"));
  counter.json->put_string(out, counter.job->id(count->job));
  counter.json->object_end(out);
  counter.http->reply_json(request, 202, out);
  counter.json->writer_free(out);
}

static void post_count(void *state, bp_request request) {
  bp_json body = 0, to = 0;
  (void)state;
  struct count *count = calloc(1, sizeof(*count));
  if (!count) {
    counter.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  counter.http->body(request, &body); /* the schema was checked */
  counter.json->get(body, BP_LIT("to"), &to);
  counter.json->integer(to, &count->to);
  bp_status status = begin(count, counter.http->principal(request));
  if (status == BP_OK) {
    answer(request, count);
    return;
  }
  counter.http->reply_failure(request, status, NULL);
  free(count);
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/count"),
     .operation_id = BP_STR("count"),
     .summary = BP_STR("Count, as a job"),
     .body_schema =
         BP_STR("{\"type\":\"object\",\"required\":[\"to\"],\"properties\":{\"to\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000}}}"),
     .success_status = 202,
     .handle = post_count,
     .policy = BP_STR("none")},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("job-count"),
     .title = BP_STR("Example of bp.job/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JOB_1), sizeof(bp_job_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_LOOP_1), sizeof(bp_loop_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  counter.self = self;
  counter.http = host->get(self, BP_LIT(BP_HTTP_1));
  counter.json = host->get(self, BP_LIT(BP_JSON_1));
  counter.job = host->get(self, BP_LIT(BP_JOB_1));
  counter.loop = host->get(self, BP_LIT(BP_LOOP_1));
  *ret_state = &counter;
  return BP_OK;
}

static void destroy(void *state) {
  (void)state; /* the state is static; what was still counting has ended as lost */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.job-count"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Counts, slowly."),
    .family = BP_STR("job-count"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
