/* The handlers: from a request to a job. Names of new agents are judged by the rules of the set "validation"; what a name may never
 * be, whatever the rules say, is refused here. */
#include "agents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void agents_health(void *state, bp_request request) {
  const struct agents *a = state;
  a->http->reply_text(request, 200, BP_LIT("application/json"), BP_LIT("{\"status\":\"healthy\"}"));
}

/* ---- From a request to a job ---- */

/* The job of a request that is deferred; NULL: answered. */
static struct job *begin(struct agents *a, bp_request request, enum op op, bp_str name) {
  struct job *job = job_new(a, request, op, name);
  if (!job)
    a->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
  else
    a->http->defer(request, NULL, NULL);
  return job;
}

struct job *job_begin_named(struct agents *a, bp_request request, enum op op) {
  char text[NAME_BYTES + 64];
  bp_str name = BP_STR("");
  a->http->param(request, BP_LIT("name"), &name);
  if (folder_is_agent_name(name))
    return begin(a, request, op, name);
  snprintf(text, sizeof(text), "Agent not found: %.*s", (int)(name.len < 200 ? name.len : 200), name.ptr);
  kit_problem(a->http, request, 404, str_z(text));
  return NULL;
}

static void fail(struct job *job, uint32_t status, bp_str message) {
  kit_problem(job->module->http, job->request, status, message);
  job_free(job);
}

/* A 422 that says which member it is about. */
static void fail_field(struct job *job, const char *member, const char *message) {
  char location[64];
  snprintf(location, sizeof(location), "/body/%s", member);
  const bp_problem problem = {
      .size = sizeof(problem), .status = 422, .message = str_z(message), .location = str_z(location), .kind = BP_STR("value_error")};
  job->module->http->reply_problem(job->request, &problem);
  job_free(job);
}

static bool take_string(const struct agents *a, bp_json body, const char *name, struct bytes *ret) {
  bp_json value = 0;
  bp_str text;
  if (a->json->get(body, str_z(name), &value) != BP_OK || a->json->string(value, &text) != BP_OK)
    return true;
  return bytes_copy(ret, text);
}

/* A member that is not null, as JSON text. */
static bool take_json(const struct agents *a, bp_json body, const char *name, struct bytes *ret, bp_json *ret_value) {
  bp_json value = 0;
  bp_json_writer out = 0;
  bp_str text;
  *ret_value = 0;
  if (a->json->get(body, str_z(name), &value) != BP_OK || a->json->type(value) == BP_JSON_NULL)
    return true;
  *ret_value = value;
  if (a->json->writer_new(a->self, &out) != BP_OK)
    return false;
  a->json->put_value(out, value);
  bool is_taken = a->json->writer_text(out, &text, NULL) == BP_OK && bytes_copy(ret, text);
  a->json->writer_free(out);
  return is_taken;
}

/* The body into the job; false: answered. */
static bool take_body(struct job *job) {
  const struct agents *a = job->module;
  bp_json body = 0, servers = 0, skills = 0;
  const char *wrong = NULL;
  a->http->body(job->request, &body);
  bool is_taken = take_string(a, body, "description", &job->description) && take_string(a, body, "system_prompt", &job->prompt) &&
                  take_string(a, body, "status", &job->new_status) && take_json(a, body, "mcp_servers", &job->mcp, &servers) &&
                  take_json(a, body, "skills", &job->skills, &skills);
  if (!is_taken) {
    a->http->reply_failure(job->request, BP_E_NO_MEMORY, NULL);
    job_free(job);
    return false;
  }
  if (servers && (wrong = mcp_check(a->json, servers)) != NULL) {
    fail_field(job, "mcp_servers", wrong);
    return false;
  }
  return true;
}

/* ---- Looking ---- */

void agents_list(void *state, bp_request request) {
  struct job *job = begin(state, request, OP_LIST, bp_str_make(NULL, 0));
  if (job)
    job_start(job);
}

void agents_get(void *state, bp_request request) {
  struct job *job = job_begin_named(state, request, OP_GET);
  if (job)
    job_start(job);
}

/* ---- Creating ---- */

static void on_judged(void *ctx, const bp_verdict *verdict) {
  struct job *job = ctx;
  if (verdict->verdict == BP_VERDICT_ALLOW)
    job_start(job);
  else
    fail(job, verdict->verdict == BP_VERDICT_DENY ? 400 : 403, verdict->reason);
}

static void judge_name(struct job *job) {
  const struct agents *a = job->module;
  bp_json_writer out = 0;
  bp_str facts;
  if (a->json->writer_new(a->self, &out) != BP_OK) {
    fail(job, 500, BP_LIT("out of memory"));
    return;
  }
  a->json->object_begin(out);
  json_text_member(a->json, out, BP_LIT("module"), BP_LIT("agents"));
  json_text_member(a->json, out, BP_LIT("action"), BP_LIT("create"));
  json_text_member(a->json, out, BP_LIT("name"), str_z(job->name));
  a->json->object_end(out);
  bp_status status = a->json->writer_text(out, &facts, NULL);
  if (status == BP_OK)
    status = a->policy->decide(a->self, BP_LIT("validation"), a->http->principal(job->request), facts, 0, on_judged, job);
  a->json->writer_free(out);
  if (status == BP_OK)
    return;
  a->http->reply_failure(job->request, status, NULL);
  job_free(job);
}

void agents_create(void *state, bp_request request) {
  struct agents *a = state;
  bp_json body = 0, value = 0;
  bp_str name = BP_STR("");
  a->http->body(request, &body);
  if (a->json->get(body, BP_LIT("name"), &value) == BP_OK)
    a->json->string(value, &name);
  if (!folder_is_agent_name(name)) {
    kit_problem(a->http, request, 400,
                BP_LIT("Invalid agent name: 1 to 64 letters, digits and hyphens, beginning and ending with a letter or a digit"));
    return;
  }
  struct job *job = begin(a, request, OP_CREATE, name);
  if (job && take_body(job))
    judge_name(job);
}

/* ---- Changing ---- */

void agents_patch(void *state, bp_request request) {
  struct agents *a = state;
  bp_json body = 0, value = 0;
  bp_str name;
  struct job *job = job_begin_named(a, request, OP_PATCH);
  if (!job || !take_body(job))
    return;
  a->http->body(request, &body);
  if (a->json->get(body, BP_LIT("name"), &value) == BP_OK && a->json->string(value, &name) == BP_OK && !kit_same(name, job->name))
    fail(job, 400, BP_LIT("The name of an agent cannot be changed: create another and delete this one"));
  else
    job_start(job);
}

void agents_set_status(void *state, bp_request request) {
  const struct agents *a = state;
  bp_json body = 0;
  struct job *job = job_begin_named(state, request, OP_PATCH);
  if (!job)
    return;
  a->http->body(request, &body);
  if (take_string(a, body, "status", &job->new_status))
    job_start(job);
  else
    fail(job, 500, BP_LIT("out of memory"));
}

/* ---- Deleting ---- */

/* {"sessions":[id, ...]}: an agent that is used is not deleted. Without the module observability nobody knows of any. */
static void on_sessions(void *ctx, bp_status status, bp_str payload) {
  struct job *job = ctx;
  const struct agents *a = job->module;
  bp_json root = 0, sessions = 0, first = 0;
  bp_str id = BP_STR("");
  char text[NAME_BYTES + 512];
  if (status == BP_E_NOT_FOUND || status == BP_E_UNSUPPORTED) {
    job_start(job);
    return;
  }
  if (status != BP_OK || a->json->parse(a->self, payload, &root, NULL) != BP_OK) {
    a->http->reply_failure(job->request, status != BP_OK ? status : BP_E_IO, NULL);
    job_free(job);
    return;
  }
  bool is_used = a->json->get(root, BP_LIT("sessions"), &sessions) == BP_OK && a->json->at(sessions, 0, &first) == BP_OK;
  if (is_used)
    a->json->string(first, &id);
  snprintf(text, sizeof(text), "Agent is in use by a running session: %s (session %.*s)", job->name, (int)(id.len < 200 ? id.len : 200), id.ptr);
  a->json->release(a->self, root);
  if (is_used)
    fail(job, 409, str_z(text));
  else
    job_start(job);
}

void agents_delete(void *state, bp_request request) {
  struct agents *a = state;
  bp_json_writer out = 0;
  bp_str payload = BP_STR("{}");
  struct job *job = job_begin_named(a, request, OP_DELETE);
  if (!job)
    return;
  bp_status status = a->json->writer_new(a->self, &out);
  if (status == BP_OK) {
    a->json->object_begin(out);
    json_text_member(a->json, out, BP_LIT("agent_name"), str_z(job->name));
    a->json->object_end(out);
    a->json->writer_text(out, &payload, NULL);
    status = a->service->call(a->self, BP_LIT("observability/1"), BP_LIT("running"), payload, 5000, on_sessions, job);
    a->json->writer_free(out);
  }
  if (status == BP_OK)
    return;
  a->http->reply_failure(request, status, NULL);
  job_free(job);
}
