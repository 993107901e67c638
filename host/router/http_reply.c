/* Replies of plugins; see http_reply.h. A reply from another thread claims the request there and then, and is sent by main. */
#include "router/http_reply.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/str.h"
#include "http/chars.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/errors.h"
#include "router/failure_status.h"
#include "router/family_object.h"
#include "router/header_text.h"
#include "router/request.h"
#include "router/response_check.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 32u /* by one plugin in one reply */
#define NAME_BYTES_MAX 256u

/* What a call carries to main: the strings lie behind the struct. */
#define POSTED_TEXTS 5u
struct posted {
  bp_request request;
  uint32_t status;
  void (*run)(const struct posted *posted);
  bp_str texts[POSTED_TEXTS];
  char data[];
};

static struct posted *posted_new(bp_request request, uint32_t status, void (*run)(const struct posted *), const bp_str *texts, unsigned count) {
  size_t bytes = 0;
  for (unsigned i = 0; i < count; i++)
    bytes += texts[i].len;
  struct posted *posted = malloc(sizeof(*posted) + bytes);
  if (!posted)
    return NULL;
  *posted = (struct posted){.request = request, .status = status, .run = run};
  char *at = posted->data;
  for (unsigned i = 0; i < count; i++) {
    if (texts[i].len)
      memcpy(at, texts[i].ptr, texts[i].len);
    posted->texts[i] = bp_str_make(at, texts[i].len);
    at += texts[i].len;
  }
  return posted;
}

static void run_posted(void *arg) {
  struct posted *posted = arg;
  posted->run(posted);
  free(posted);
}

/* Claims the request for this reply and posts it. */
static bp_status post_reply(bp_request request, uint32_t status, void (*run)(const struct posted *), const bp_str *texts, unsigned count) {
  struct posted *posted = posted_new(request, status, run, texts, count);
  if (!posted)
    return BP_E_NO_MEMORY;
  bp_status claimed = request_claim_elsewhere(request);
  if (claimed != BP_OK) {
    free(posted);
    return claimed;
  }
  loop_post(run_posted, posted);
  return BP_OK;
}

static bool is_final(uint32_t status) {
  return status >= 200 && status <= 599;
}

/* ---- Headers ---- */

static bool is_expose(bp_str name) {
  return str_ieq(name, BP_LIT("Access-Control-Expose-Headers"));
}

/* Framing is the wire's, the content type is an argument of the reply, and who may read an answer is the gate's to say; which headers of it
 * a page may read, once it may, is the module's. */
static bool is_host_header(bp_str name) {
  static const char *const names[] = {"Connection",       "Content-Length", "Content-Type",      "Date",   "Keep-Alive", "TE",
                                      "Proxy-Connection", "Trailer",        "Transfer-Encoding", "Upgrade"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    if (str_ieq(name, str_from(names[i])))
      return true;
  static const bp_str cors = BP_STR("access-control-");
  return name.len > cors.len && str_ieq(bp_str_make(name.ptr, cors.len), cors) && !is_expose(name);
}

static bp_status add_header(struct request *r, bp_str name, bp_str value) {
  if (is_expose(name) && !r->x->who.origin_allowed)
    return BP_OK;
  if (r->header_count >= HEADERS_MAX)
    return BP_E_LIMIT;
  r->header_count++;
  exchange_header_add(r->x, name, value);
  return BP_OK;
}

static void run_header(const struct posted *posted) {
  struct request *r = request_claimed(posted->request);
  if (r && add_header(r, posted->texts[0], posted->texts[1]) != BP_OK)
    log_warn(r->route->owner->id, "header \"%.*s\" is dropped: a reply has %u at most", (int)posted->texts[0].len, posted->texts[0].ptr, HEADERS_MAX);
}

bp_status http_header_add(bp_request request, bp_str name, bp_str value) {
  if (!char_is_token(name) || name.len > NAME_BYTES_MAX || !is_header_text(value))
    return BP_E_INVALID;
  if (is_host_header(name))
    return BP_E_DENIED;
  if (loop_is_main()) {
    struct request *r = request_find(request);
    return r && !request_is_claimed(r) ? add_header(r, name, value) : BP_E_STALE;
  }
  bp_status status = request_check_elsewhere(request);
  if (status != BP_OK)
    return status;
  struct posted *posted = posted_new(request, 0, run_header, (bp_str[]){name, value}, 2);
  if (!posted)
    return BP_E_NO_MEMORY;
  loop_post(run_posted, posted);
  return BP_OK;
}

/* ---- Bytes ---- */

/* Main, the request being ours to answer: it may be gone when exchange_reply returns. */
static void send_reply(struct request *r, uint32_t status, bp_str content_type, bp_str body) {
  struct http_exchange *x = r->x;
  response_check(r, status, content_type, body);
  r->status = status;
  exchange_reply(x, status, content_type, body);
}

static void run_reply(const struct posted *posted) {
  struct request *r = request_claimed(posted->request);
  if (!r)
    return;
  request_done(r);
  send_reply(r, posted->status, posted->texts[0], posted->texts[1]);
}

static bp_status reply(bp_request request, uint32_t status, bp_str content_type, bp_str body) {
  if (!loop_is_main())
    return post_reply(request, status, run_reply, (bp_str[]){content_type, body}, 2);
  struct request *r = request_find(request);
  if (!r || !request_claim(r))
    return BP_E_STALE;
  send_reply(r, status, content_type, body);
  return BP_OK;
}

/* Only main knows the family, and so the type of its JSON. */
static void run_reply_json(const struct posted *posted) {
  struct request *r = request_claimed(posted->request);
  if (!r)
    return;
  request_done(r);
  send_reply(r, posted->status, family_json_type(r->family), posted->texts[0]);
}

static bp_status reply_json_text(bp_request request, uint32_t status, bp_str text) {
  if (!loop_is_main())
    return post_reply(request, status, run_reply_json, &text, 1);
  struct request *r = request_find(request);
  return r ? reply(request, status, family_json_type(r->family), text) : BP_E_STALE;
}

static bp_status refuse_incomplete(bp_json_writer body) {
  bp_str text;
  bp_error err = BP_ERROR_INIT;
  if (!doc_writer_text(body, &text, &err))
    log_error("router", "reply_json was given JSON that is not complete: %s", err.message);
  return BP_E_STATE;
}

bp_status http_reply_json(bp_request request, uint32_t status, bp_json_writer body) {
  bp_str text;
  if (!is_final(status))
    return BP_E_INVALID;
  if (!doc_writer_text(body, &text, NULL))
    return refuse_incomplete(body);
  return reply_json_text(request, status, text);
}

bp_status http_reply_text(bp_request request, uint32_t status, bp_str content_type, bp_str body) {
  if (!is_final(status) || !is_header_text(content_type))
    return BP_E_INVALID;
  return reply(request, status, content_type, body);
}

bp_status http_reply_empty(bp_request request, uint32_t status) {
  if (!is_final(status))
    return BP_E_INVALID;
  return reply(request, status, BP_LIT(""), BP_LIT(""));
}

/* ---- Errors ---- */

static void run_problem(const struct posted *posted) {
  struct request *r = request_claimed(posted->request);
  if (!r)
    return;
  const bp_str *texts = posted->texts;
  bp_problem problem = {.size = sizeof(problem),
                        .status = posted->status,
                        .message = texts[0],
                        .code = texts[1],
                        .location = texts[2],
                        .kind = texts[3],
                        .hint = texts[4]};
  request_done(r);
  family_reply_error(r->x, r->family, &problem);
}

bp_status http_reply_problem(bp_request request, const bp_problem *given) {
  bp_problem problem = {0};
  if (!given)
    return BP_E_INVALID;
  memcpy(&problem, given, given->size < sizeof(problem) ? given->size : sizeof(problem));
  if (problem.status < 400 || problem.status > 599)
    return BP_E_INVALID;
  if (!loop_is_main())
    return post_reply(request, problem.status, run_problem, (bp_str[]){problem.message, problem.code, problem.location, problem.kind, problem.hint},
                      POSTED_TEXTS);
  struct request *r = request_find(request);
  if (!r || !request_claim(r))
    return BP_E_STALE;
  family_reply_error(r->x, r->family, &problem);
  return BP_OK;
}

bp_status http_reply_failure(bp_request request, bp_status status, const bp_error *err) {
  bp_problem problem = {.size = sizeof(problem), .status = status_of_failure(status)};
  bool has_error = err && err->message[0];
  problem.message = str_from(has_error ? err->message : status_name(status));
  if (has_error)
    problem.hint = str_from(err->hint);
  if (problem.status == 503) {
    bp_status added = http_header_add(request, BP_LIT("Retry-After"), BP_LIT("1"));
    if (added == BP_E_STALE || added == BP_E_THREAD)
      return added;
  }
  return http_reply_problem(request, &problem);
}
