/* Calling a route within the host; see inner_call.h. The exchange has no wire: its target is made of the arguments, its identity is the
 * caller's, and the reply comes back as bytes. */
#include "router/inner_call.h"
#include "base/array.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/family_object.h"
#include "router/pipeline.h"
#include "router/request.h"
#include "json/schema.h"

#include <stdlib.h>
#include <string.h>

#define CALLS_MOST 512u /* at once, of all callers */
#define ARGUMENTS_BYTES_MAX (256u * 1024)
#define NOT_TOOLS (BP_ROUTE_STREAM | BP_ROUTE_UPLOAD | BP_ROUTE_WEBSOCKET)

struct inner_call {
  struct http_exchange x; /* first */
  struct inner_call *next;
  struct plugin *caller; /* NULL: nobody is told any more */
  bp_tool_done_fn done;
  void *ctx;
  struct buf path, target, query, body;
  struct buf answer, content_type;
  unsigned status;
  bool is_answered;
};

static struct inner_call *calls;
static unsigned call_count;

static bool is_tool(const bp_route *route) {
  return (route->flags & BP_ROUTE_MCP_TOOL) && !(route->flags & NOT_TOOLS);
}

/* ---- Arguments as a schema ---- */

static json_t *param_schema(const bp_param *param) {
  static const char *const types[] = {
      [BP_PARAM_STRING] = "string", [BP_PARAM_INTEGER] = "integer", [BP_PARAM_BOOLEAN] = "boolean", [BP_PARAM_REAL] = "number"};
  json_t *schema = json_pack("{s:s}", "type", types[param->type]);
  if (param->doc.len)
    json_object_set_new(schema, "description", json_stringn(param->doc.ptr, param->doc.len));
  return schema;
}

static void add_property(json_t *schema, bp_str name, json_t *property, bool is_required) {
  json_object_setn_new(json_object_get(schema, "properties"), name.ptr, name.len, property);
  if (is_required)
    json_array_append_new(json_object_get(schema, "required"), json_stringn(name.ptr, name.len));
}

static void add_path_params(json_t *schema, const bp_route *route) {
  bp_str text;
  for (size_t at = 0; segment_next(route->path, &at, &text);) {
    struct segment segment = segment_of(text);
    if (segment.kind != SEGMENT_LITERAL)
      add_property(schema, segment.text, json_pack("{s:s}", "type", "string"), true);
  }
}

static void add_params(json_t *schema, const bp_route *route) {
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param;
    array_item(route->params, i, &param);
    json_t *properties = json_object_get(schema, "properties");
    if (param.in == BP_IN_PATH)
      json_object_setn_new(properties, param.name.ptr, param.name.len, param_schema(&param));
    else if (param.in == BP_IN_QUERY)
      add_property(schema, param.name, param_schema(&param), param.required && !param.def.len);
  }
}

struct listing {
  bp_tool_fn each;
  void *ctx;
};

static void list_route(void *ctx, const struct route_info *info) {
  const struct listing *listing = ctx;
  const bp_route *route = info->route;
  if (!route || !is_tool(route) || info->owner->phase == PLUGIN_DRAINING)
    return;
  json_t *schema = json_pack("{s:s, s:{}, s:[]}", "type", "object", "properties", "required");
  add_path_params(schema, route);
  add_params(schema, route);
  if (info->body_schema)
    add_property(schema, BP_LIT("body"), json_deep_copy(schema_source(info->body_schema)), !(route->flags & BP_ROUTE_OPTIONAL_BODY));
  struct buf text = {0};
  doc_write(&text, schema);
  json_decref(schema);
  bool is_read_only = (route->flags & BP_ROUTE_READ_ONLY) || str_eq(route->method, BP_LIT("GET"));
  const bp_tool_route tool = {.size = sizeof(tool),
                              .flags = is_read_only ? BP_ROUTE_READ_ONLY : 0,
                              .plugin = str_from(info->owner->id),
                              .operation_id = route->operation_id,
                              .summary = route->summary,
                              .schema = buf_str(&text)};
  if (!text.failed)
    listing->each(listing->ctx, &tool);
  buf_release(&text);
}

void inner_tools(bp_tool_fn each, void *ctx) {
  struct listing listing = {each, ctx};
  LOOP_MAIN();
  router_each(list_route, &listing);
}

/* ---- Arguments as a request ---- */

/* Text of a scalar; false for anything else. */
static bool append_scalar(struct buf *out, const json_t *value) {
  if (json_is_string(value))
    buf_append(out, json_string_value(value), json_string_length(value));
  else if (json_is_integer(value) || json_is_real(value))
    doc_write(out, value);
  else if (json_is_boolean(value))
    buf_append_z(out, json_is_true(value) ? "true" : "false");
  else
    return false;
  return true;
}

/* What the wire would not let through either. */
static bool is_segment(bp_str text, enum segment_kind kind) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c < 0x20 || c == 0x7F || (c == '/' && kind == SEGMENT_PARAM))
      return false;
  }
  return text.len > 0;
}

/* The path, and where the variables lie in it. */
static bp_status write_path(struct inner_call *call, const bp_route *route, const json_t *arguments, struct match *match, bp_error *err) {
  bp_str text;
  for (size_t at = 0; segment_next(route->path, &at, &text);) {
    struct segment segment = segment_of(text);
    buf_append_char(&call->path, '/');
    size_t start = call->path.len;
    if (segment.kind == SEGMENT_LITERAL) {
      buf_append_str(&call->path, segment.text);
      continue;
    }
    const json_t *value = json_object_getn(arguments, segment.text.ptr, segment.text.len);
    bool is_text = append_scalar(&call->path, value) && !call->path.failed;
    bp_str written = bp_str_make(call->path.data + start, is_text ? call->path.len - start : 0);
    if (!is_segment(written, segment.kind))
      return fail(err, BP_E_INVALID, "argument \"%.*s\" must be a text that is not empty, without control characters%s", (int)segment.text.len,
                  segment.text.ptr, segment.kind == SEGMENT_PARAM ? " and \"/\"" : "");
    match->spans[match->span_count++] = (struct match_span){(uint32_t)start, (uint32_t)written.len};
  }
  return call->path.failed ? fail(err, BP_E_NO_MEMORY, "no memory for a call") : BP_OK;
}

/* `plain`: a character that stays as it is besides letters, digits, "-", "_" and ".". */
static void append_encoded(struct buf *out, bp_str text, char plain) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == (unsigned char)plain;
    if (is_plain)
      buf_append_char(out, (char)c);
    else
      buf_append(out, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
  }
}

static bp_status write_query(struct inner_call *call, const bp_route *route, const json_t *arguments, bp_error *err) {
  for (uint32_t i = 0; i < route->params.count; i++) {
    bp_param param;
    struct buf value = {0};
    array_item(route->params, i, &param);
    const json_t *given = param.in == BP_IN_QUERY ? json_object_getn(arguments, param.name.ptr, param.name.len) : NULL;
    if (!given || json_is_null(given))
      continue;
    bool is_scalar = append_scalar(&value, given);
    if (call->query.len)
      buf_append_char(&call->query, '&');
    append_encoded(&call->query, param.name, '_');
    buf_append_char(&call->query, '=');
    append_encoded(&call->query, buf_str(&value), '_');
    buf_release(&value);
    if (!is_scalar)
      return fail(err, BP_E_INVALID, "argument \"%.*s\" must be a string, a number or a boolean", (int)param.name.len, param.name.ptr);
  }
  return call->query.failed ? fail(err, BP_E_NO_MEMORY, "no memory for a call") : BP_OK;
}

/* As a client would have sent it. */
static void write_target(struct inner_call *call) {
  append_encoded(&call->target, buf_str(&call->path), '/');
  if (call->query.len)
    buf_append_char(&call->target, '?');
  buf_append_str(&call->target, buf_str(&call->query));
}

static bp_status write_request(struct inner_call *call, const struct route *route, bp_str text, struct match *match, bp_error *err) {
  bp_error reason = BP_ERROR_INIT;
  json_t *arguments = text.len ? doc_parse(text, &doc_default_limits, &reason) : json_object();
  if (!json_is_object(arguments)) {
    json_decref(arguments);
    return fail(err, BP_E_INVALID, "the arguments are no JSON object");
  }
  bp_status status = write_path(call, &route->facts, arguments, match, err);
  if (status == BP_OK)
    status = write_query(call, &route->facts, arguments, err);
  const json_t *body = json_object_get(arguments, "body");
  if (status == BP_OK && body && route->body_schema)
    doc_write(&call->body, body);
  json_decref(arguments);
  write_target(call);
  if (status == BP_OK && call->body.len > route->body_limit_bytes)
    return fail(err, BP_E_LIMIT, "the body is larger than this route allows (the limit is body_limit_bytes = %llu)",
                (unsigned long long)route->body_limit_bytes);
  return status;
}

/* ---- The answer ---- */

static void call_free(struct inner_call *call) {
  for (struct inner_call **at = &calls; *at; at = &(*at)->next)
    if (*at == call) {
      *at = call->next;
      call_count--;
      break;
    }
  struct buf *const bufs[] = {&call->path, &call->target, &call->query, &call->body, &call->answer, &call->content_type};
  for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
    buf_release(bufs[i]);
  free(call);
}

static void tell(struct inner_call *call, bp_status status) {
  struct culprit frame;
  struct plugin *caller = call->caller;
  call->caller = NULL;
  if (!caller)
    return;
  culprit_enter(&frame, caller, "answer of a called tool", bp_str_make(NULL, 0));
  call->done(call->ctx, status, call->status, buf_str(&call->content_type), buf_str(&call->answer));
  culprit_leave(&frame);
}

static void finish(void *arg) {
  struct inner_call *call = arg;
  if (call->x.user)
    request_release(call->x.user);
  tell(call, call->answer.failed ? BP_E_NO_MEMORY : BP_OK);
  call_free(call);
}

static void on_reply(struct http_exchange *x, unsigned status, bp_str content_type, bp_str body) {
  struct inner_call *call = (struct inner_call *)x;
  if (call->is_answered)
    return;
  call->is_answered = true;
  x->is_replied = true;
  call->status = status;
  buf_append_str(&call->answer, body);
  buf_append_str(&call->content_type, content_type);
  loop_post(finish, call);
}

void inner_cancel(struct plugin *caller) {
  for (struct inner_call *call = calls; call; call = call->next)
    if (call->caller == caller)
      tell(call, BP_E_CANCELLED);
}

/* ---- The call ---- */

static enum http_method method_of(const struct route *route) {
  return route->takes_any_method ? HTTP_GET : route->method;
}

static void begin(struct inner_call *call, struct route *route, struct match *match) {
  struct http_exchange *x = &call->x;
  struct request *r = request_new(x);
  if (!r) {
    on_reply(x, 503, BP_LIT("text/plain"), BP_LIT("no memory for this request; try again later"));
    return;
  }
  match->route = route;
  r->family = route->family;
  pipeline_start(r, match);
}

bp_status inner_tool_call(bp_plugin self, bp_request request, bp_str plugin, bp_str operation_id, bp_str arguments, bp_tool_done_fn done, void *ctx,
                          bp_error *err) {
  static const struct http_inner inner = {on_reply};
  struct match match = {0};
  if (!plugin_on_main(self, "http tool_call"))
    return BP_E_THREAD;
  struct plugin *caller = plugin_get(self);
  const struct request *asking = request_find(request);
  if (!caller || !asking)
    return fail(err, BP_E_STALE, "the request is over");
  const struct route *route = router_find(plugin, operation_id);
  if (!route || !is_tool(&route->facts) || !route->family->is_declared)
    return fail(err, BP_E_NOT_FOUND, "no route of plugin \"%.*s\" is offered as a tool \"%.*s\"", (int)plugin.len, plugin.ptr, (int)operation_id.len,
                operation_id.ptr);
  if (arguments.len > ARGUMENTS_BYTES_MAX)
    return fail(err, BP_E_LIMIT, "the arguments are larger than 256 KiB");
  if (call_count == CALLS_MOST)
    return fail(err, BP_E_LIMIT, "%u calls of tools are running already: try again later", CALLS_MOST);
  struct inner_call *call = calloc(1, sizeof(*call));
  if (!call)
    return fail(err, BP_E_NO_MEMORY, "no memory for a call");
  *call = (struct inner_call){.caller = caller, .done = done, .ctx = ctx, .next = calls};
  calls = call;
  call_count++;
  bp_status status = write_request(call, route, arguments, &match, err);
  if (status != BP_OK) {
    call_free(call);
    return status;
  }
  call->x = (struct http_exchange){.inner = &inner,
                                   .inner_body = buf_str(&call->body),
                                   .listener = asking->x->listener,
                                   .method = method_of(route),
                                   .path = buf_str(&call->path),
                                   .target = buf_str(&call->target),
                                   .query = buf_str(&call->query),
                                   .content_length = (int64_t)call->body.len,
                                   .has_body = call->body.len > 0,
                                   .who = asking->x->who};
  begin(call, (struct route *)(uintptr_t)route, &match);
  return BP_OK;
}
