/* JSON bodies; see body.h. Small ones are parsed where they are; over 256 KiB a worker does it. */
#include "router/body.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loop/workers.h"
#include "router/param.h"
#include "router/pipeline.h"

#include <stdlib.h>
#include <string.h>

/* ---- Media type ---- */

/* The next ";name=value" of a media type; quotes are taken off. */
static bool next_parameter(bp_str *rest, bp_str *ret_name, bp_str *ret_value) {
  ptrdiff_t semicolon = str_find(*rest, ';');
  if (semicolon < 0)
    return false;
  *rest = bp_str_make(rest->ptr + semicolon + 1, rest->len - (size_t)semicolon - 1);
  ptrdiff_t end = str_find(*rest, ';');
  bp_str pair = bp_str_make(rest->ptr, end < 0 ? rest->len : (size_t)end);
  ptrdiff_t eq = str_find(pair, '=');
  *ret_name = str_trim(bp_str_make(pair.ptr, eq < 0 ? pair.len : (size_t)eq));
  bp_str value = eq < 0 ? bp_str_make(pair.ptr, 0) : str_trim(bp_str_make(pair.ptr + eq + 1, pair.len - (size_t)eq - 1));
  if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
    value = bp_str_make(value.ptr + 1, value.len - 2);
  *ret_value = value;
  return true;
}

bool body_is_json_type(bp_str value) {
  ptrdiff_t semicolon = str_find(value, ';');
  bp_str type = str_trim(bp_str_make(value.ptr, semicolon < 0 ? value.len : (size_t)semicolon));
  bp_str suffix = type.len > 5 ? bp_str_make(type.ptr + type.len - 5, 5) : type;
  return str_ieq(type, BP_LIT("application/json")) || (str_find(type, '/') > 0 && str_ieq(suffix, BP_LIT("+json")));
}

static bool is_utf8_charset(bp_str value) {
  bp_str name, charset;
  while (next_parameter(&value, &name, &charset))
    if (str_ieq(name, BP_LIT("charset")) && !str_ieq(charset, BP_LIT("utf-8")) && !str_ieq(charset, BP_LIT("utf8")))
      return false;
  return true;
}

const char *body_refusal(const struct http_exchange *x) {
  bp_str value;
  if (exchange_header(x, "Content-Encoding", &value) && !str_ieq(value, BP_LIT("identity")))
    return "Content-Encoding is not supported; send the body without compression";
  if (!exchange_header(x, "Content-Type", &value) || value.len == 0)
    return NULL;
  if (!body_is_json_type(value))
    return "Content-Type must be application/json";
  return is_utf8_charset(value) ? NULL : "the charset in Content-Type must be utf-8";
}

/* ---- Taking it from the wire ---- */

static void collect(struct http_exchange *x, void *ctx, bp_str bytes) {
  struct request *r = ctx;
  if (r->phase == REQUEST_DONE)
    return;
  bool has_room = body_bytes_take(bytes.len); /* for r->collected.len bytes, given back with them */
  if (has_room)
    buf_append_str(&r->collected, bytes);
  if (has_room && !r->collected.failed)
    return;
  if (has_room)
    body_bytes_give(bytes.len);
  request_done(r);
  family_reply_unavailable(x, r->family,
                           has_room ? BP_LIT("no memory for the body; try again later")
                                    : BP_LIT("too many request bodies are in memory now; try again later"));
}

static void collected(struct http_exchange *x, void *ctx) {
  struct request *r = ctx;
  (void)x;
  if (r->phase == REQUEST_WAITING)
    pipeline_body(r, buf_str(&r->collected));
}

void body_take(struct request *r, uint64_t limit) {
  static const struct http_body_sink sink = {collect, collected};
  request_hold(r);
  if (r->x->content_length >= 0 && r->x->content_length <= BODY_WORKER_BYTES)
    exchange_body_buffer(r->x, limit);
  else
    exchange_body_stream(r->x, limit, &sink, r);
}

/* ---- Checking ---- */

static struct doc_limits limits_of(const struct route *route) {
  return (struct doc_limits){.depth = doc_default_limits.depth, .keys = route->key_limit};
}

/* Parses and validates. Errors go to the list; `syntax` must outlive it. Any thread. */
static json_t *parse(const struct route *route, bp_str text, bp_error *syntax, struct error_list *errors) {
  struct doc_limits limits = limits_of(route);
  json_t *root = doc_parse(text, &limits, syntax);
  if (!root) {
    errors->count = 0;
    error_add_syntax(errors, syntax);
    return NULL;
  }
  schema_validate(route->body_schema, root, error_add_violation, errors);
  return root;
}

/* A limit of the parser is not the client's grammar: 413, with the name of what to change. */
static bool is_over_limit(struct request *r, const bp_error *syntax) {
  if (syntax->code != BP_E_LIMIT)
    return false;
  struct buf text = {0};
  buf_append_z(&text, syntax->message);
  buf_append_z(&text, "; the limit is key_limit = ");
  buf_append_u64(&text, r->route->key_limit);
  buf_append_z(&text, " of route ");
  buf_append_str(&text, r->route->facts.operation_id);
  request_done(r);
  family_reply_text(r->x, r->family, 413, buf_str(&text));
  buf_release(&text);
  return true;
}

static void reply_no_memory(struct request *r) {
  request_done(r);
  family_reply_unavailable(r->x, r->family, BP_LIT("no memory for this request; try again later"));
}

/* ---- On a worker ---- */

struct parse_job {
  struct work work;
  bp_request handle;
  struct route *route; /* referenced */
  struct buf text;     /* the request's, while the job runs */
  json_t *root;
  bp_error syntax;
  struct error_list errors;
};

static void job_run(struct work *work) {
  struct parse_job *job = (struct parse_job *)work;
  job->root = parse(job->route, buf_str(&job->text), &job->syntax, &job->errors);
}

static void job_free(struct parse_job *job) {
  route_unref(job->route);
  body_bytes_give(job->text.len);
  buf_release(&job->text);
  json_decref(job->root);
  free(job);
}

static void job_done(struct work *work, bool cancelled) {
  struct parse_job *job = (struct parse_job *)work;
  struct request *r = request_find(job->handle);
  if (r && cancelled) {
    request_done(r);
    family_reply_unavailable(r->x, r->family, BP_LIT("the host is stopping"));
  } else if (r) {
    if (r->route->is_removed)
      job->errors.count = 0; /* they may quote the plugin, and are not the answer any more */
    r->body = json_incref(job->root);
    r->collected = job->text;
    r->body_text = buf_str(&r->collected);
    memset(&job->text, 0, sizeof(job->text));
    if (!is_over_limit(r, &job->syntax))
      pipeline_conclude(r, &job->errors);
  }
  job_free(job);
}

static void check_on_worker(struct request *r) {
  struct parse_job *job = calloc(1, sizeof(*job));
  if (!job) {
    reply_no_memory(r);
    return;
  }
  *job = (struct parse_job){.work = {.run = job_run, .done = job_done}, .handle = r->handle, .route = r->route, .syntax = BP_ERROR_INIT};
  r->route->references++;
  if (!params_read(r, &job->errors)) {
    job_free(job);
    reply_no_memory(r);
    return;
  }
  job->text = r->collected;
  memset(&r->collected, 0, sizeof(r->collected));
  r->body_text = bp_str_make(NULL, 0);
  workers_submit(&job->work);
}

/* False: answered. */
static bool check_here(struct request *r, bp_str text, struct error_list *errors) {
  static bp_error syntax; /* main thread only; what the list quotes must outlive it */
  syntax = (bp_error)BP_ERROR_INIT;
  r->body = parse(r->route, text, &syntax, errors);
  return !is_over_limit(r, &syntax);
}

void body_check(struct request *r, bp_str text) {
  static struct error_list errors; /* main thread only; too large to clear on every stack frame */
  errors.count = 0;
  if (r->route->is_removed) { /* while the body came: the parameters' declarations are gone with the image */
    pipeline_conclude(r, &errors);
    return;
  }
  if (text.len > BODY_WORKER_BYTES && r->collected.len == text.len) {
    check_on_worker(r);
    return;
  }
  if (!params_read(r, &errors)) {
    reply_no_memory(r);
    return;
  }
  r->body_text = text;
  if (text.len > 0) {
    if (!check_here(r, text, &errors))
      return;
  } else if (r->route->body_schema && !(r->route->facts.flags & BP_ROUTE_OPTIONAL_BODY)) {
    error_add(&errors, "body", BP_LIT(""), "missing", BP_LIT("Field required"))->input = ERROR_INPUT_NULL;
  }
  pipeline_conclude(r, &errors);
}
