/* Checking and compiling a declared route; see route.h. */
#include "router/route.h"
#include "auth/identity.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "router/family_object.h"
#include "router/param.h"
#include "router/router_counters.h"
#include "json/schema.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 30000u
#define KEY_LIMIT 1024u

#define STR_ARGS(s) ((int)((s).len > 80 ? 80 : (s).len)), ((s).ptr ? (s).ptr : "")
#define BAD(r, text, ...) fail(err, BP_E_INVALID, "route \"%.*s %.*s\": " text, STR_ARGS((r)->facts.method), STR_ARGS((r)->facts.path), __VA_ARGS__)

static bp_status set_method(struct route *r, bp_error *err) {
  static const struct {
    const char *word;
    enum http_method method;
  } methods[] = {{"GET", HTTP_GET},     {"POST", HTTP_POST},     {"PUT", HTTP_PUT},
                 {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS}};
  r->takes_any_method = str_eq(r->facts.method, BP_LIT("*"));
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (str_eq(r->facts.method, str_from(methods[i].word))) {
      r->method = methods[i].method;
      return BP_OK;
    }
  return r->takes_any_method ? BP_OK : BAD(r, "method \"%.*s\" is not GET POST PUT PATCH DELETE OPTIONS or *", STR_ARGS(r->facts.method));
}

static bool is_read_only(const struct route *r) {
  return (r->facts.flags & BP_ROUTE_READ_ONLY) || (!r->takes_any_method && (r->method == HTTP_GET || r->method == HTTP_OPTIONS));
}

static bp_status set_scope(struct route *r, bp_error *err) {
  static const struct {
    const char *word;
    uint32_t scope;
  } scopes[] = {{"read", SCOPE_READ}, {"write", SCOPE_WRITE}, {"admin", SCOPE_ADMIN}, {"public", 0}};
  r->scope = is_read_only(r) ? SCOPE_READ : SCOPE_WRITE;
  if (r->facts.scope.len == 0)
    return BP_OK;
  for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
    if (str_eq(r->facts.scope, str_from(scopes[i].word))) {
      r->scope = scopes[i].scope;
      return BP_OK;
    }
  return BAD(r, "scope \"%.*s\" is not read, write, admin or public", STR_ARGS(r->facts.scope));
}

static bool is_operation_id(bp_str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_'))))
      return false;
  }
  return s.len > 0 && s.len <= 64;
}

static bp_status check_policy(const struct route *r, bp_error *err) {
  bool is_none = str_eq(r->facts.policy, BP_LIT("none"));
  if (is_read_only(r) || (is_none && !r->facts.facts) || (r->facts.facts && r->facts.policy.len > 0 && !is_none))
    return BP_OK;
  bp_status status =
      BAD(r, "it changes things, but has %s", r->facts.facts ? "facts without the name of a policy set" : "neither facts nor policy = none");
  fail_hint(err, "set facts and policy to the set's name, or policy to \"none\"; a route that changes nothing has the flag BP_ROUTE_READ_ONLY");
  return status;
}

static bp_status check_body(const struct route *r, bp_error *err) {
  uint32_t kinds = r->facts.flags & (BP_ROUTE_STREAM | BP_ROUTE_UPLOAD | BP_ROUTE_WEBSOCKET);
  if ((kinds & (kinds - 1)) != 0)
    return BAD(r, "it can be only one of %s", "stream, upload and websocket");
  if (kinds && r->facts.body_schema.len)
    return BAD(r, "%s", "a stream, upload or websocket route takes no body_schema");
  if (kinds && (r->facts.flags & BP_ROUTE_MCP_TOOL))
    return BAD(r, "%s", "a stream, upload or websocket route cannot be a tool");
  if ((kinds & BP_ROUTE_WEBSOCKET) && (r->takes_any_method || r->method != HTTP_GET))
    return BAD(r, "%s", "a websocket route must be a GET");
  return BP_OK;
}

static bp_status check_facts(struct route *r, bp_error *err) {
  bp_status status = template_check(r->facts.path, err);
  if (status == BP_OK)
    status = set_method(r, err);
  if (status == BP_OK)
    status = set_scope(r, err);
  if (status == BP_OK && !is_operation_id(r->facts.operation_id))
    status = BAD(r, "operation_id \"%.*s\" is not [a-z][a-z0-9_]*", STR_ARGS(r->facts.operation_id));
  if (status == BP_OK && !r->facts.handle)
    status = BAD(r, "it has no %s", "handler");
  if (status == BP_OK)
    status = check_policy(r, err);
  return status == BP_OK ? check_body(r, err) : status;
}

static bp_status set_family(struct route *r, bp_error *err) {
  bp_str name = r->facts.family.len ? r->facts.family : r->owner->descriptor.family;
  bool may_wait = (r->facts.flags & BP_ROUTE_IF_FAMILY) != 0;
  r->family = may_wait ? family_await(name) : (struct family *)(uintptr_t)family_find(name);
  if (!r->family)
    return BAD(r, "family \"%.*s\" is declared by no loaded plugin", STR_ARGS(name));
  r->body_limit_bytes = r->facts.body_limit_bytes ? r->facts.body_limit_bytes : family_facts(r->family)->body_limit_bytes;
  r->key_limit = r->facts.key_limit ? r->facts.key_limit : KEY_LIMIT;
  r->timeout_ms = r->facts.timeout_ms ? r->facts.timeout_ms : TIMEOUT_MS;
  return BP_OK;
}

static bp_status compile_one(const struct route *r, bp_str text, const char *which, struct schema **ret, bp_error *err) {
  bp_error reason = BP_ERROR_INIT;
  if (text.len == 0)
    return BP_OK;
  *ret = schema_compile(text, &reason);
  if (*ret)
    return BP_OK;
  bp_status status = BAD(r, "%s_schema at \"%s\": %s", which, reason.pointer, reason.message);
  fail_hint(err, "%s", reason.hint);
  return status;
}

static bp_status compile_schemas(struct route *r, bp_error *err) {
  bp_status status = compile_one(r, r->facts.body_schema, "body", &r->body_schema, err);
  return status == BP_OK ? compile_one(r, r->facts.response_schema, "response", &r->response_schema, err) : status;
}

/* ---- Parameters ---- */

/* Handlers ask for a parameter by its name alone. */
static bool has_param(const struct route *r, bp_str name) {
  for (uint32_t i = 0; i < r->param_count; i++)
    if (str_eq(r->params[i].facts.name, name))
      return true;
  return false;
}

static bp_status compile_params(struct route *r, bp_error *err) {
  const bp_array *declared = &r->facts.params;
  uint32_t form = 1u << BP_IN_FORM | 1u << BP_IN_FILE;
  if (declared->count > ROUTE_PARAMS - ROUTE_PATH_PARAMS)
    return BAD(r, "it has more than %u parameters", ROUTE_PARAMS - ROUTE_PATH_PARAMS);
  r->params = mem_array(declared->count + ROUTE_PATH_PARAMS, sizeof(*r->params));
  for (uint32_t i = 0; i < declared->count; i++) {
    bp_error reason = BP_ERROR_INIT;
    bp_param param;
    array_item(*declared, i, &param);
    if (has_param(r, param.name))
      return BAD(r, "parameter \"%.*s\" is declared twice", STR_ARGS(param.name));
    if (param_compile(&r->params[r->param_count], &param, &reason) != BP_OK)
      return BAD(r, "%s", reason.message);
    r->places |= 1u << r->params[r->param_count++].facts.in;
  }
  if ((r->places & form) && !(r->facts.flags & BP_ROUTE_UPLOAD))
    return BAD(r, "form and file parameters need the flag %s", "BP_ROUTE_UPLOAD");
  return BP_OK;
}

static uint32_t path_param(struct route *r, bp_str name) {
  for (uint32_t i = 0; i < r->param_count; i++)
    if (r->params[i].facts.in == BP_IN_PATH && str_eq(r->params[i].facts.name, name))
      return i;
  struct param *param = &r->params[r->param_count];
  param->facts = (bp_param){.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = name};
  return r->param_count++;
}

/* Ties template variables to parameters; one without a declaration is a string. */
static bp_status bind_path(struct route *r, bp_error *err) {
  bp_str text;
  uint32_t declared = 0, bound = 0, count = 0;
  for (uint32_t i = 0; i < r->param_count; i++)
    declared += r->params[i].facts.in == BP_IN_PATH;
  for (size_t at = 0; segment_next(r->facts.path, &at, &text);) {
    struct segment segment = segment_of(text);
    if (segment.kind == SEGMENT_LITERAL)
      continue;
    uint32_t before = r->param_count;
    r->path_params[count++] = (uint8_t)path_param(r, segment.text);
    bound += r->param_count == before;
  }
  return bound == declared ? BP_OK : BAD(r, "%s", "a path parameter is declared that its path does not have, or twice");
}

/* ---- Life ---- */

static void route_free(struct route *route) {
  for (uint32_t i = 0; i < route->param_count; i++)
    param_release(&route->params[i]);
  free(route->params);
  free((void *)(uintptr_t)route->facts.operation_id.ptr);
  schema_free(route->body_schema);
  schema_free(route->response_schema);
  free(route);
}

struct route *route_new(struct plugin *owner, void *state, const bp_route *declared, bp_error *err) {
  struct route *r = mem_alloc(sizeof(*r));
  r->references = 1;
  r->owner = owner;
  r->state = state;
  r->counters = counters_of(owner->id);
  r->facts = *declared;
  r->facts.operation_id = bp_str_make(str_dupz(declared->operation_id), declared->operation_id.len);
  bp_status status = check_facts(r, err);
  if (status == BP_OK)
    status = set_family(r, err);
  if (status == BP_OK)
    status = compile_schemas(r, err);
  if (status == BP_OK)
    status = compile_params(r, err);
  if (status == BP_OK)
    status = bind_path(r, err);
  if (status == BP_OK)
    return r;
  route_free(r);
  return NULL;
}

void route_unref(struct route *route) {
  if (--route->references == 0)
    route_free(route);
}
