/* Streamable HTTP (MCP 2025-11-25, "Transports"): POST, GET and DELETE of /mcp, /mcp/server/{id} and /mcp/group/{group}. */
#include "hub.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Replies ---- */

void reply_rpc(const struct mcp *m, bp_request request, const struct session *session, uint32_t status, struct text *text) {
  if (session)
    m->http->header_add(request, BP_LIT("Mcp-Session-Id"), str_z(session->id));
  if (text->len)
    m->http->reply_text(request, status, BP_LIT("application/json"), text_str(text));
  else
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
  text_release(text);
}

void reply_result(const struct incoming *in, bp_str result) {
  struct text text = rpc_result_raw(in->m, in->id, result);
  reply_rpc(in->m, in->request, in->session, 200, &text);
}

void reply_error(const struct incoming *in, int32_t code, const char *message) {
  struct text text = rpc_error(in->m, in->id, code, str_z(message));
  reply_rpc(in->m, in->request, in->session, 200, &text);
}

static void refuse(const struct mcp *m, bp_request request, uint32_t status, int32_t code, const char *message) {
  struct text text = rpc_error(m, BP_LIT(""), code, str_z(message));
  reply_rpc(m, request, NULL, status, &text);
}

/* ---- Headers ---- */

static bool accepts(const struct mcp *m, bp_request request, const char *type) {
  bp_str value = {NULL, 0};
  size_t len = strlen(type);
  if (m->http->header(request, BP_LIT("Accept"), &value) != BP_OK)
    return false;
  for (size_t i = 0; i + len <= value.len; i++)
    if (strncasecmp(value.ptr + i, type, len) == 0)
      return true;
  for (size_t i = 0; i + 3 <= value.len; i++)
    if (memcmp(value.ptr + i, "*/*", 3) == 0)
      return true;
  return false;
}

static bool check_version(const struct mcp *m, bp_request request) {
  bp_str version = {NULL, 0};
  if (m->http->header(request, BP_LIT("MCP-Protocol-Version"), &version) != BP_OK || session_knows_version(version))
    return true;
  refuse(m, request, 400, RPC_SERVER,
         "Bad Request: Unsupported protocol version (supported versions: 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05)");
  return false;
}

/* What the path names; its name is borrowed from the request. False: answered. */
static bool read_scope(const struct mcp *m, bp_request request, struct scope *ret, char **ret_name) {
  bp_str name = {NULL, 0};
  *ret = (struct scope){.kind = SCOPE_ALL};
  *ret_name = NULL;
  if (m->http->param(request, BP_LIT("server"), &name) == BP_OK)
    ret->kind = SCOPE_SERVER;
  else if (m->http->param(request, BP_LIT("group"), &name) == BP_OK)
    ret->kind = SCOPE_GROUP;
  else
    return true;
  ret->name = *ret_name = str_copy(name);
  bool is_known = ret->name && (ret->kind == SCOPE_SERVER ? server_find(m, name) != NULL || (m->has_builtin && kit_same(name, MCP_BUILTIN))
                                                          : json_member(m, m->groups, ret->name) != 0);
  if (!is_known) {
    free(*ret_name);
    refuse(m, request, 404, RPC_SERVER,
           ret->kind == SCOPE_SERVER ? "no MCP server has this id" : "no group has this name: groups are an option of module mcp");
  }
  return is_known;
}

static bool is_same_scope(const struct scope *a, const struct scope *b) {
  return a->kind == b->kind && (!a->name || !b->name ? a->name == b->name : strcmp(a->name, b->name) == 0);
}

/* The request's session; NULL: answered. */
static struct session *session_of(const struct mcp *m, bp_request request) {
  bp_str id = {NULL, 0};
  struct scope scope;
  char *name;
  if (!check_version(m, request))
    return NULL;
  if (m->http->header(request, BP_LIT("Mcp-Session-Id"), &id) != BP_OK || !id.len) {
    refuse(m, request, 400, RPC_SERVER, "Bad Request: Mcp-Session-Id header is required");
    return NULL;
  }
  if (!read_scope(m, request, &scope, &name))
    return NULL;
  struct session *session = session_find(m, id, m->http->principal(request));
  bool is_here = session && is_same_scope(&session->scope, &scope);
  free(name);
  if (!is_here) {
    refuse(m, request, 404, RPC_GONE, "Session not found");
    return NULL;
  }
  session->used_ms = now_ms(m);
  return session;
}

/* ---- Initialize ---- */

static void initialize(struct mcp *m, bp_request request, bp_str id, bp_json params) {
  struct scope scope;
  char *name;
  if (!read_scope(m, request, &scope, &name))
    return;
  struct session *session = session_new(m, m->http->principal(request), &scope, params);
  free(name);
  if (!session) {
    refuse(m, request, 503, RPC_SERVER, "too many sessions are open (sessions_max), and all are in use");
    return;
  }
  bp_json_writer out = rpc_begin(m);
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, id);
    m->json->key(out, BP_LIT("result"));
    m->json->object_begin(out);
    json_text_member(m->json, out, BP_LIT("protocolVersion"), str_z(session->version));
    m->json->key(out, BP_LIT("capabilities"));
    m->json->put_raw(out, BP_LIT("{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},"
                                 "\"prompts\":{\"listChanged\":true},\"logging\":{},\"completions\":{}}"));
    m->json->key(out, BP_LIT("serverInfo"));
    m->json->object_begin(out);
    json_text_member(m->json, out, BP_LIT("name"), BP_LIT("backplane"));
    json_text_member(m->json, out, BP_LIT("title"), BP_LIT("Backplane MCP hub"));
    json_text_member(m->json, out, BP_LIT("version"), m->core->host_version());
    m->json->object_end(out);
    m->json->object_end(out);
  }
  struct text text = rpc_end(m, out);
  m->http->header_add(request, BP_LIT("Access-Control-Expose-Headers"), BP_LIT("Mcp-Session-Id")); /* pages of allowed origins need it */
  reply_rpc(m, request, session, 200, &text);
}

/* ---- POST ---- */

static void take_request(struct mcp *m, bp_request request, bp_str method, bp_json id_value, bp_json params) {
  uint32_t type = m->json->type(id_value);
  if (type != BP_JSON_STRING && type != BP_JSON_INTEGER) {
    refuse(m, request, 400, RPC_INVALID, "Invalid Request: id must be a string or an integer");
    return;
  }
  char *id = json_copy(m, id_value);
  struct session *session = NULL;
  if (!id)
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
  else if (kit_same(method, "initialize"))
    initialize(m, request, str_z(id), params);
  else if ((session = session_of(m, request)) != NULL)
    dispatch_request(&(struct incoming){m, session, request, str_z(id), method, params});
  free(id);
}

static void take_notification(struct mcp *m, bp_request request, bp_str method, bp_json params) {
  struct session *session = session_of(m, request);
  if (!session)
    return;
  dispatch_notification(&(struct incoming){m, session, request, BP_LIT(""), method, params});
  m->http->reply_empty(request, 202);
}

/* An answer nobody waits for any more is no error: it may have crossed our time-out. */
static void take_answer(const struct mcp *m, bp_request request, bp_json message) {
  struct session *session = session_of(m, request);
  if (!session)
    return;
  dispatch_answer(session, message);
  m->http->reply_empty(request, 202);
}

void hub_post(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json message = 0;
  m->http->body(request, &message);
  if (!accepts(m, request, "application/json") || !accepts(m, request, "text/event-stream")) {
    refuse(m, request, 406, RPC_SERVER, "Not Acceptable: Client must accept both application/json and text/event-stream");
    return;
  }
  if (m->json->type(message) != BP_JSON_OBJECT || !kit_same(kit_member_text(m->json, message, "jsonrpc"), "2.0")) {
    refuse(m, request, 400, RPC_INVALID, "Invalid Request: the body must be one JSON-RPC 2.0 message (batches are not supported)");
    return;
  }
  bp_str method = kit_member_text(m->json, message, "method");
  bp_json id = json_member(m, message, "id"), params = json_member(m, message, "params");
  if (params && m->json->type(params) != BP_JSON_OBJECT)
    refuse(m, request, 400, RPC_PARAMS, "Invalid params: params must be an object");
  else if (method.ptr && id)
    take_request(m, request, method, id, params);
  else if (method.ptr)
    take_notification(m, request, method, params);
  else if (id && (json_member(m, message, "result") || json_member(m, message, "error")))
    take_answer(m, request, message);
  else
    refuse(m, request, 400, RPC_INVALID, "Invalid Request: a message has a method, or an id with a result or an error");
}

/* ---- GET and DELETE ---- */

void hub_get(void *state, bp_request request) {
  const struct mcp *m = state;
  bp_str last = {NULL, 0};
  uint32_t after = UINT32_MAX;
  if (!accepts(m, request, "text/event-stream")) {
    refuse(m, request, 406, RPC_SERVER, "Not Acceptable: Client must accept text/event-stream");
    return;
  }
  if (m->is_stopping) {
    m->http->reply_failure(request, BP_E_BUSY, NULL);
    return;
  }
  struct session *session = session_of(m, request);
  if (!session)
    return;
  if (kit_same(m->http->method(request), "HEAD")) { /* takes no stream from who reads it */
    m->http->reply_empty(request, 200);
    return;
  }
  struct feed *feed = feed_own(session);
  if (m->http->header(request, BP_LIT("Last-Event-ID"), &last) == BP_OK && last.len)
    feed = feed_find(session, last, &after);
  if (!feed)
    refuse(m, request, 400, RPC_SERVER, "Bad Request: nothing is kept of the stream this Last-Event-ID names");
  else if (!feed_attach(feed, request, after))
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
}

void hub_delete(void *state, bp_request request) {
  const struct mcp *m = state;
  struct session *session = session_of(m, request);
  if (!session)
    return;
  session_end(session);
  m->http->reply_empty(request, 200);
}
