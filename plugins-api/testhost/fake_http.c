/* bp.http/1 of the fake host: requests made by the test, replies kept for it. Reading a request is in fake_request.c. */
#include "base/fail.h"
#include "base/slots.h"
#include "fake_request.h"
#include "router/failure_status.h"
#include "router/value_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct slots requests;
static struct fake_request *all;

static struct fake_request *find(bp_request request) {
  return slots_get(&requests, request);
}

/* The request if it still waits for its reply. */
static struct fake_request *open_request(bp_request request) {
  struct fake_request *r = find(request);
  return r && !r->is_finished ? r : NULL;
}

/* ---- The test's side ---- */

/* Writes the facts; false after answering in the place of a policy that denies. */
static bool write_facts(struct fake_request *r) {
  bp_json_writer facts = doc_writer_new(0);
  bp_error err = BP_ERROR_INIT;
  bp_str text = {NULL, 0};
  bp_status status = r->route.facts(bp_testhost_state(), r->handle, facts);
  if (status == BP_OK && !doc_writer_text(facts, &text, &err))
    fake_misuse("the facts of \"%s %s\" are no JSON: %s", r->method, r->path, err.message);
  r->reply.facts = fake_keep(text);
  doc_writer_free(facts);
  if (status == BP_OK)
    r->facts = doc_open(fake_parse("facts", r->reply.facts));
  else
    fake_request_refuse(r, 403, BP_LIT("the route's facts function failed"), bp_str_make(NULL, 0), bp_str_make(NULL, 0));
  return status == BP_OK;
}

bp_request bp_testhost_send(const struct bp_testhost_request *request) {
  struct fake_request *r = mem_alloc(sizeof(*r));
  fake_plugin();
  r->reply = (struct bp_testhost_reply){0, "", "", "", ""};
  r->handle = slots_add(&requests, r);
  r->next = all;
  all = r;
  if (!fake_request_read(r, request) || (r->route.facts && !write_facts(r)))
    return r->handle;
  r->route.handle(bp_testhost_state(), r->handle);
  if (!r->is_finished && !r->is_deferred)
    fake_misuse("the handler of \"%s %s\" neither replied nor deferred", r->method, r->path);
  return r->handle;
}

const struct bp_testhost_reply *bp_testhost_reply(bp_request request) {
  const struct fake_request *r = find(request);
  if (!r)
    fake_misuse("there is no such request");
  return &r->reply;
}

const struct bp_testhost_reply *bp_testhost_call(const char *method, const char *target, const char *body) {
  const struct bp_testhost_request asked = {.method = method, .target = target, .body = body};
  bp_request request = bp_testhost_send(&asked);
  bp_testhost_run();
  return bp_testhost_reply(request);
}

void bp_testhost_cancel(bp_request request, uint32_t reason) {
  struct fake_request *r = open_request(request);
  if (!r)
    return;
  r->is_finished = true;
  if (r->on_cancel)
    r->on_cancel(r->cancel_ctx, request, reason);
}

/* ---- What was asked ---- */

static bp_str method(bp_request request) {
  const struct fake_request *r = open_request(request);
  return str_from(r ? r->method : NULL);
}

static bp_str path(bp_request request) {
  const struct fake_request *r = open_request(request);
  return str_from(r ? r->path : NULL);
}

static bp_str family(bp_request request) {
  const struct fake_request *r = open_request(request);
  return r && r->route.family.len ? r->route.family : fake_plugin()->family;
}

static bp_status text_of(const json_t *values, bp_str name, bp_str *ret) {
  const json_t *value = json_object_getn(values, name.ptr, name.len);
  if (!value)
    return BP_E_NOT_FOUND;
  *ret = bp_str_make(json_string_value(value), json_string_length(value));
  return BP_OK;
}

static bp_status header(bp_request request, bp_str name, bp_str *ret) {
  const struct fake_request *r = open_request(request);
  char *lower = str_dupz(name);
  for (char *c = lower; *c; c++)
    *c = (char)tolower((unsigned char)*c);
  bp_status status = r ? text_of(r->headers, str_from(lower), ret) : BP_E_STALE;
  free(lower);
  return status;
}

static bp_status param(bp_request request, bp_str name, bp_str *ret) {
  const struct fake_request *r = open_request(request);
  return r ? text_of(r->values, name, ret) : BP_E_STALE;
}

static bp_status param_integer(bp_request request, bp_str name, int64_t *ret) {
  bp_str text;
  bp_status status = param(request, name, &text);
  if (status == BP_OK && !param_to_integer(text, ret))
    status = BP_E_TYPE;
  return status;
}

static bp_status param_boolean(bp_request request, bp_str name, uint32_t *ret) {
  bp_str text;
  bp_status status = param(request, name, &text);
  if (status == BP_OK && !param_to_boolean(text, ret))
    status = BP_E_TYPE;
  return status;
}

static bp_status body(bp_request request, bp_json *ret) {
  const struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  if (!r->body)
    return BP_E_NOT_FOUND;
  *ret = r->body;
  return BP_OK;
}

static bp_status body_text(bp_request request, bp_str *ret) {
  const struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  *ret = r->body_text;
  return BP_OK;
}

static bp_str principal(bp_request request) {
  const struct fake_request *r = open_request(request);
  return str_from(r ? r->principal : NULL);
}

/* Whoever asks may do all but administer. */
static uint32_t has_scope(bp_request request, bp_str scope) {
  return open_request(request) && !str_eq(scope, BP_LIT("admin"));
}

static bp_status facts(bp_request request, bp_json *ret) {
  const struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  if (!r->facts)
    return BP_E_NOT_FOUND;
  *ret = r->facts;
  return BP_OK;
}

/* ---- Replies ---- */

static bp_status header_add(bp_request request, bp_str name, bp_str value) {
  struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  buf_append_str(&r->added_headers, name);
  buf_append_z(&r->added_headers, ": ");
  buf_append_str(&r->added_headers, value);
  buf_append_char(&r->added_headers, '\n');
  return BP_OK;
}

/* If-Match and If-None-Match with one tag; dates are the real host's. */
static uint32_t precondition(bp_request request, bp_str etag, int64_t modified_s) {
  struct fake_request *r = open_request(request);
  char quoted[256];
  bp_str asked;
  (void)modified_s;
  if (!r)
    return 412;
  snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)(etag.len < 200 ? etag.len : 200), etag.ptr ? etag.ptr : "");
  if (etag.len)
    header_add(request, BP_LIT("ETag"), str_from(quoted));
  bool is_unchanged = header(request, BP_LIT("If-None-Match"), &asked) == BP_OK && str_eq(asked, str_from(quoted));
  bool is_other = header(request, BP_LIT("If-Match"), &asked) == BP_OK && !str_eq(asked, str_from(quoted));
  uint32_t status = is_other ? 412 : is_unchanged ? 304 : 0;
  if (status)
    fake_request_answer(r, status, bp_str_make(NULL, 0), bp_str_make(NULL, 0));
  return status;
}

bp_status fake_http_finish(bp_request request, uint32_t status, bp_str content_type, bp_str text) {
  struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  fake_request_answer(r, status, content_type, text);
  return BP_OK;
}

static bp_status reply_json(bp_request request, uint32_t status, bp_json_writer writer) {
  bp_error err = BP_ERROR_INIT;
  bp_str text;
  if (!open_request(request))
    return BP_E_STALE;
  if (!doc_writer_text(writer, &text, &err))
    fake_misuse("a reply is no JSON: %s", err.message);
  return fake_http_finish(request, status, BP_LIT("application/json"), text);
}

static bp_status reply_empty(bp_request request, uint32_t status) {
  return fake_http_finish(request, status, bp_str_make(NULL, 0), bp_str_make(NULL, 0));
}

static bp_status reply_problem(bp_request request, const bp_problem *problem) {
  struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  fake_request_refuse(r, problem->status, problem->message, problem->code, problem->hint);
  return BP_OK;
}

static bp_status reply_failure(bp_request request, bp_status status, const bp_error *err) {
  bool has_error = err && err->message[0];
  bp_problem problem = {.size = sizeof(problem),
                        .status = status_of_failure(status),
                        .message = str_from(has_error ? err->message : status_name(status)),
                        .hint = str_from(has_error ? err->hint : NULL)};
  return reply_problem(request, &problem);
}

static bp_status defer(bp_request request, bp_cancel_fn on_cancel, void *ctx) {
  struct fake_request *r = open_request(request);
  if (!r)
    return BP_E_STALE;
  r->is_deferred = true;
  r->on_cancel = on_cancel;
  r->cancel_ctx = ctx;
  return BP_OK;
}

void fake_http_reset(void) {
  while (all) {
    struct fake_request *r = all;
    all = r->next;
    if (r->body)
      doc_close(r->body);
    if (r->facts)
      doc_close(r->facts);
    json_decref(r->values);
    json_decref(r->headers);
    buf_release(&r->added_headers);
    free(r);
  }
  slots_release(&requests);
}

const bp_http_1 fake_http_table = {
    .size = sizeof(bp_http_1),
    .method = method,
    .path = path,
    .family = family,
    .header = header,
    .param = param,
    .param_integer = param_integer,
    .param_boolean = param_boolean,
    .body = body,
    .body_text = body_text,
    .principal = principal,
    .has_scope = has_scope,
    .header_add = header_add,
    .precondition = precondition,
    .reply_json = reply_json,
    .reply_text = fake_http_finish,
    .reply_empty = reply_empty,
    .reply_problem = reply_problem,
    .reply_failure = reply_failure,
    .defer = defer,
    .facts = facts,
};
