/* bp.http/1, what a handler may ask: method, path, headers, parameters, body, identity. Replies are in http_reply.c. */
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "router/condition.h"
#include "router/family_object.h"
#include "router/http_reply.h"
#include "router/inner_call.h"
#include "router/param.h"
#include "router/policy_step.h"
#include "router/request.h"

/* The live request, on main. Elsewhere its strings may move while they are read, so nothing is found there. */
static struct request *find_on_main(bp_request handle, const char *function) {
  if (loop_is_main())
    return request_find(handle);
  log_error("router", "bp.http/1 \"%s\" was called on a thread that is not main: refused; read what you need before you defer", function);
  return NULL;
}
#define FIND(handle) find_on_main((handle), __func__)

static bp_str get_method(bp_request request) {
  static const bp_str words[HTTP_OTHER] = {BP_STR("GET"),   BP_STR("HEAD"),   BP_STR("POST"),   BP_STR("PUT"),
                                           BP_STR("PATCH"), BP_STR("DELETE"), BP_STR("OPTIONS")};
  struct request *r = FIND(request);
  if (!r)
    return BP_LIT("");
  if (r->x->method < HTTP_OTHER)
    return words[r->x->method];
  request_hold(r);
  return r->x->method_text;
}

static bp_str get_path(bp_request request) {
  struct request *r = FIND(request);
  if (!r)
    return BP_LIT("");
  request_hold(r);
  return request_path(r);
}

static bp_str get_target(bp_request request) {
  struct request *r = FIND(request);
  if (!r)
    return BP_LIT("");
  request_hold(r);
  return r->x->target;
}

static bp_str get_family(bp_request request) {
  struct request *r = FIND(request);
  return r ? family_facts(r->family)->name : BP_LIT("");
}

static bp_status get_header(bp_request request, bp_str name, bp_str *ret) {
  struct request *r = FIND(request);
  if (!r)
    return BP_E_STALE;
  request_hold(r);
  for (uint32_t i = 0; i < r->x->header_count; i++)
    if (str_ieq(r->x->headers[i].name, name)) {
      *ret = r->x->headers[i].value;
      return BP_OK;
    }
  return BP_E_NOT_FOUND;
}

static bp_status get_param(bp_request request, bp_str name, bp_str *ret) {
  struct request *r = FIND(request);
  if (!r)
    return BP_E_STALE;
  for (uint32_t i = 0; i < r->route->param_count; i++)
    if (str_eq(r->route->params[i].facts.name, name) && r->values[i].is_present) {
      *ret = r->values[i].text;
      return BP_OK;
    }
  return BP_E_NOT_FOUND;
}

static bp_status get_param_integer(bp_request request, bp_str name, int64_t *ret) {
  bp_str text;
  bp_status status = get_param(request, name, &text);
  if (status != BP_OK)
    return status;
  return param_to_integer(text, ret) ? BP_OK : BP_E_TYPE;
}

static bp_status get_param_boolean(bp_request request, bp_str name, uint32_t *ret) {
  bp_str text;
  bp_status status = get_param(request, name, &text);
  if (status != BP_OK)
    return status;
  return param_to_boolean(text, ret) ? BP_OK : BP_E_TYPE;
}

static bp_status get_body(bp_request request, bp_json *ret) {
  struct request *r = FIND(request);
  if (!r)
    return BP_E_STALE;
  if (!r->body)
    return BP_E_NOT_FOUND;
  if (!r->body_handle)
    r->body_handle = doc_open(json_incref(r->body));
  if (!r->body_handle)
    return BP_E_NO_MEMORY;
  *ret = r->body_handle;
  return BP_OK;
}

/* A small body lies in the wire's buffer for the handler's call only: whoever asks for it gets one that stays. */
static bp_status get_body_text(bp_request request, bp_str *ret) {
  struct request *r = FIND(request);
  if (!r)
    return BP_E_STALE;
  if (!r->body)
    return BP_E_NOT_FOUND;
  if (!request_keep_body(r))
    return BP_E_NO_MEMORY;
  *ret = r->body_text;
  return BP_OK;
}

static bp_str get_principal(bp_request request) {
  struct request *r = FIND(request);
  return r ? str_from(r->x->who.principal) : BP_LIT("");
}

static uint32_t get_has_scope(bp_request request, bp_str scope) {
  struct request *r = FIND(request);
  uint32_t bit = str_eq(scope, BP_LIT("read"))    ? SCOPE_READ
                 : str_eq(scope, BP_LIT("write")) ? SCOPE_WRITE
                 : str_eq(scope, BP_LIT("admin")) ? SCOPE_ADMIN
                                                  : 0;
  return r && (r->x->who.scopes & bit) != 0;
}

static uint32_t check_precondition(bp_request request, bp_str etag, int64_t modified_s) {
  struct request *r = FIND(request);
  if (!r || request_is_claimed(r))
    return 0;
  struct http_exchange *x = r->x;
  unsigned status = condition_check(x, etag, modified_s);
  if (status != 0 && request_claim(r)) {
    request_note_status(x, status);
    exchange_reply(x, status, BP_LIT(""), BP_LIT(""));
  }
  return status;
}

static bp_status do_defer(bp_request request, bp_cancel_fn on_cancel, void *ctx) {
  struct request *r = FIND(request);
  return r ? request_defer(r, on_cancel, ctx) : BP_E_STALE;
}

static bp_status get_facts(bp_request request, bp_json *ret) {
  struct request *r = FIND(request);
  return r ? policy_step_facts(r, ret) : BP_E_STALE;
}

const bp_http_1 http_table = {
    .size = sizeof(bp_http_1),
    .method = get_method,
    .path = get_path,
    .family = get_family,
    .header = get_header,
    .param = get_param,
    .param_integer = get_param_integer,
    .param_boolean = get_param_boolean,
    .body = get_body,
    .body_text = get_body_text,
    .principal = get_principal,
    .has_scope = get_has_scope,
    .header_add = http_header_add,
    .precondition = check_precondition,
    .reply_json = http_reply_json,
    .reply_text = http_reply_text,
    .reply_empty = http_reply_empty,
    .reply_problem = http_reply_problem,
    .reply_failure = http_reply_failure,
    .defer = do_defer,
    .facts = get_facts,
    .tools = inner_tools,
    .tool_call = inner_tool_call,
    .target = get_target,
};
