/* The pipeline; see pipeline.h. The wire calls in at the bottom; each step answers, or hands on to the next. */
#include "router/pipeline.h"
#include "auth/gate.h"
#include "base/log.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "router/body.h"
#include "router/docs.h"
#include "router/family_object.h"
#include "router/param.h"
#include "router/policy_step.h"
#include "router/resolve.h"
#include "router/upload.h"

#include <string.h>

#define HOST_BODY_LIMIT_BYTES (1024u * 1024u)

/* ---- The last step: the handler ---- */

static void end_and_reply(struct request *r, unsigned status, bp_str text) {
  struct http_exchange *x = r->x;
  const struct family *family = r->family;
  request_done(r);
  family_reply_text(x, family, status, text);
}

static void reply_forgotten(struct request *r) {
  const struct route *route = r->route;
  log_error(route->owner->id, "the handler of route \"%.*s\" of plugin \"%s\" returned with neither a reply nor defer: 500",
            (int)route->facts.operation_id.len, route->facts.operation_id.ptr, route->owner->id);
  end_and_reply(r, 500, BP_LIT("the module that serves this path gave no answer; the log names it"));
}

static void run_handler(struct request *r) {
  const struct route *route = r->route;
  bp_request handle = r->handle;
  struct culprit frame;
  r->phase = REQUEST_RUNNING;
  r->is_in_handler = true;
  culprit_enter(&frame, route->owner, "route", route->facts.operation_id);
  route->facts.handle(route->state, handle);
  culprit_leave(&frame);
  if (request_find(handle) != r) /* answered; r may be another request's by now */
    return;
  r->is_in_handler = false;
  if (r->phase == REQUEST_RUNNING)
    reply_forgotten(r);
}

/* A plugin that is going away takes no more requests, also those that were held. */
static void enter_handler(struct request *r) {
  if (r->route->is_removed || r->route->owner->phase == PLUGIN_DRAINING) {
    request_done(r);
    family_reply_unavailable(r->x, r->family, BP_LIT("the module that serves this path is being stopped; try again in a moment"));
  } else {
    run_handler(r);
  }
}

/* The route's own sentence for a bad body, where it has one. */
static void reply_invalid(struct request *r, const struct error_list *errors) {
  const struct route *route = r->route;
  bool is_own = !route->is_removed && route->facts.bad_body_status != 0 && strncmp(errors->items[0].location, "/body", 5) == 0;
  request_done(r);
  if (is_own)
    family_reply_text(r->x, r->family, route->facts.bad_body_status, route->facts.bad_body_text);
  else
    family_reply_invalid(r->x, r->family, errors);
}

void pipeline_conclude(struct request *r, const struct error_list *errors) {
  if (errors->count > 0) {
    reply_invalid(r, errors);
  } else if (r->route->facts.facts && !r->route->is_removed) {
    policy_step(r, enter_handler);
  } else {
    enter_handler(r);
  }
}

void pipeline_body(struct request *r, bp_str text) {
  if (r->host_route)
    r->host_route->handle(r->x, text);
  else
    body_check(r, text);
}

/* ---- Who may, and what comes ---- */

static const char *scope_name(uint32_t scope) {
  return scope == SCOPE_ADMIN ? "admin" : scope == SCOPE_WRITE ? "write" : "read";
}

/* False: answered with 401 or 403. */
static bool check_scope(struct http_exchange *x, const struct family *family, uint32_t scope) {
  if ((x->who.scopes & scope) == scope)
    return true;
  if (x->who.scopes == 0) {
    exchange_header_add(x, BP_LIT("WWW-Authenticate"), BP_LIT("Bearer"));
    family_reply_text(x, family, 401, BP_LIT("this path needs an identity: send Authorization: Bearer with a token of this host"));
    return false;
  }
  struct buf text = {0};
  buf_append_z(&text, "this needs the scope \"");
  buf_append_z(&text, scope_name(scope));
  buf_append_z(&text, "\", which the credential used does not have");
  family_reply_text(x, family, 403, buf_str(&text));
  buf_release(&text);
  return false;
}

/* False: answered with 415. */
static bool check_media_type(struct http_exchange *x, const struct family *family) {
  const char *refusal = x->has_body ? body_refusal(x) : NULL;
  if (refusal)
    family_reply_text(x, family, 415, str_from(refusal));
  return !refusal;
}

static bool has_body(const struct http_exchange *x) {
  return x->has_body && x->content_length != 0;
}

static void upload_complete(struct http_exchange *x, struct upload *upload, const bp_problem *problem) {
  struct request *r = x->user;
  (void)upload;
  if (!r || r->phase != REQUEST_WAITING)
    return;
  if (problem) {
    request_done(r);
    family_reply_error(x, r->family, problem);
    return;
  }
  r->is_upload_ready = true;
  body_check(r, bp_str_make(NULL, 0));
}

void pipeline_start(struct request *r, const struct match *match) {
  struct http_exchange *x = r->x;
  const struct route *route = match->route;
  uint32_t flags = route->facts.flags;
  if (route->owner->phase == PLUGIN_DRAINING) {
    family_reply_unavailable(x, r->family, BP_LIT("the module that serves this path is being stopped; try again in a moment"));
    return;
  }
  if (!check_scope(x, r->family, route->scope))
    return;
  if (!(flags & (BP_ROUTE_STREAM | BP_ROUTE_UPLOAD)) && !check_media_type(x, r->family))
    return;
  if (!request_route(r, match)) {
    family_reply_unavailable(x, r->family, BP_LIT("no memory for this request; try again later"));
    return;
  }
  if (flags & BP_ROUTE_UPLOAD) {
    request_hold(r);
    r->upload = upload_begin(x, route->owner, route->body_limit_bytes, upload_complete);
  } else if (route->body_schema && x->inner) {
    pipeline_body(r, x->inner_body);
  } else if (route->body_schema && has_body(x)) {
    body_take(r, route->body_limit_bytes);
  } else {
    body_check(r, bp_str_make(NULL, 0));
  }
}

static void start_host_route(struct request *r, const struct host_route *route) {
  struct http_exchange *x = r->x;
  if (!check_scope(x, r->family, route->scope) || !check_media_type(x, r->family))
    return;
  r->host_route = route;
  if (has_body(x))
    body_take(r, HOST_BODY_LIMIT_BYTES);
  else
    route->handle(x, bp_str_make(NULL, 0));
}

/* ---- Nothing to run ---- */

static void add_allow(struct http_exchange *x, uint32_t allow) {
  static const char *const names[HTTP_OTHER] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  struct buf text = {0};
  for (unsigned i = 0; i < HTTP_OTHER; i++) {
    if (!(allow & 1u << i))
      continue;
    if (text.len > 0)
      buf_append_z(&text, ", ");
    buf_append_z(&text, names[i]);
  }
  exchange_header_add(x, BP_LIT("Allow"), buf_str(&text));
  buf_release(&text);
}

static void reply_nothing(struct http_exchange *x, const struct resolution *where) {
  const bp_family *facts = family_facts(where->family);
  bool is_404 = where->match.allow == 0 || (facts->flags & BP_FAMILY_NO_405);
  if (!is_404)
    add_allow(x, where->match.allow);
  family_reply_text(x, where->family, is_404 ? 404 : 405, is_404 ? facts->not_found_text : facts->not_allowed_text);
}

static void reply_docs(struct request *r) {
  if (check_scope(r->x, r->family, SCOPE_READ))
    docs_reply(r->x, r->family, request_path(r));
}

static void dispatch(struct request *r, const struct resolution *where) {
  switch (where->kind) {
  case RESOLVED_ROUTE:
    pipeline_start(r, &where->match);
    break;
  case RESOLVED_HOST:
    start_host_route(r, where->host_route);
    break;
  case RESOLVED_DOCS:
    reply_docs(r);
    break;
  case RESOLVED_NOTHING:
    reply_nothing(r->x, where);
    break;
  }
}

/* The family's own check. False: answered with 401. */
static bool check_admission(struct http_exchange *x, const struct family *family, uint32_t prefix_len) {
  const bp_family *facts = &family->facts;
  struct plugin *owner = family->is_declared ? family->owner : NULL;
  bp_str value = BP_STR("");
  struct culprit frame;
  if (!facts->admit || !owner || owner->phase < PLUGIN_CREATED || owner->phase > PLUGIN_DRAINING)
    return true;
  exchange_header(x, "authorization", &value);
  bp_str path = bp_str_make(x->path.ptr + prefix_len, x->path.len - prefix_len);
  culprit_enter(&frame, owner, "admit", facts->name);
  bool is_admitted = facts->admit(owner->state, x->method_text, path, value, str_from(x->who.principal)) != 0;
  culprit_leave(&frame);
  if (is_admitted)
    return true;
  exchange_header_add(x, BP_LIT("WWW-Authenticate"), facts->challenge);
  exchange_reply(x, 401, BP_LIT("text/plain; charset=utf-8"), facts->refusal_text);
  return false;
}

/* ---- What the wire calls ---- */

static void on_request(struct http_exchange *x) {
  unsigned status = 0;
  bp_str text = {0};
  enum auth_verdict verdict = auth_gate(x, &status, &text);
  struct resolution where;
  router_resolve(x, &where);
  exchange_plain_slashes(x);
  if (x->who.origin_allowed) /* now, so that every answer has them, whoever gives it */
    auth_cors_headers(x, family_facts(where.family)->flags & BP_FAMILY_CORS_CREDENTIALS, verdict == AUTH_PREFLIGHT);
  struct request *r = request_new(x);
  if (!r) {
    family_reply_unavailable(x, where.family, BP_LIT("no memory for this request; try again later"));
    return;
  }
  r->family = (struct family *)(uintptr_t)where.family;
  r->prefix_len = where.prefix_len;
  if (verdict == AUTH_REFUSE)
    family_reply_text(x, where.family, status, text);
  else if (x->method == HTTP_OPTIONS && (family_facts(where.family)->flags & BP_FAMILY_OPTIONS_204))
    exchange_reply(x, 204, bp_str_make(NULL, 0), bp_str_make(NULL, 0));
  else if (verdict == AUTH_PREFLIGHT)
    exchange_reply(x, 200, BP_LIT("text/plain; charset=utf-8"), BP_LIT("OK"));
  else if (check_admission(x, where.family, where.prefix_len))
    dispatch(r, &where);
}

static void on_body(struct http_exchange *x, bp_str body) {
  struct request *r = x->user;
  if (r && r->phase == REQUEST_WAITING)
    pipeline_body(r, body);
}

static void on_gone(struct http_exchange *x, enum http_gone why) {
  struct request *r = x->user;
  if (!r)
    return;
  if (r->route && r->phase != REQUEST_DONE)
    request_cancel(r, why == HTTP_GONE_STOPPING ? BP_CANCEL_DRAIN : BP_CANCEL_CLIENT_GONE);
  request_tell_follower(r, BP_E_CANCELLED);
}

static void on_finished(struct http_exchange *x) {
  if (x->user)
    request_release(x->user);
}

static bp_status status_of_error(unsigned status) {
  return status == 413 ? BP_E_LIMIT : status == 408 ? BP_E_TIMEOUT : BP_E_IO;
}

static void append_limit(struct buf *out, const struct request *r, bp_str text) {
  buf_append_str(out, text);
  if (!r || !r->route)
    return;
  buf_append_z(out, " (the limit is body_limit_bytes = ");
  buf_append_u64(out, r->route->body_limit_bytes);
  buf_append_z(out, " of route ");
  buf_append_str(out, r->route->facts.operation_id);
  buf_append_char(out, ')');
}

static void on_wire_error(struct http_exchange *x, unsigned status, bp_str text) {
  struct request *r = x->user;
  struct buf longer = {0};
  if (status == 413) {
    append_limit(&longer, r, text);
    text = buf_str(&longer);
  }
  if (r && r->route && r->phase != REQUEST_DONE)
    request_cancel(r, BP_CANCEL_CLIENT_GONE);
  if (r)
    request_tell_follower(r, status_of_error(status));
  family_reply_text(x, family_of(x), status, text);
  buf_release(&longer);
}

const struct http_handler pipeline_handler = {
    .request = on_request, .body = on_body, .gone = on_gone, .finished = on_finished, .wire_error = on_wire_error};
