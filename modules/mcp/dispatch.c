/* The method table: what a client may send, and who answers it. */
#include "builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Requests a server answers ---- */

/* Opens the stream on which the answer will come. NULL: refused and answered. */
static struct call *begin_call(const struct incoming *in) {
  struct session *session = in->session;
  if (session->call_count >= CALLS_MOST) {
    reply_error(in, RPC_SERVER, "too many requests wait in this session (64)");
    return NULL;
  }
  struct call *call = call_new(in->m, session, in->id, in->method, in->params);
  struct feed *feed = call ? feed_new(session, false) : NULL;
  if (!feed) {
    if (call)
      call_free(call);
    reply_error(in, RPC_SERVER, "too many streams are kept for this session");
    return NULL;
  }
  call->feed = feed;
  if (feed_attach(feed, in->request, UINT32_MAX))
    return call;
  call_free(call);
  feed_free(feed);
  return NULL;
}

static void no_such(const struct incoming *in, int32_t code, const char *what, bp_str name) {
  char message[300];
  snprintf(message, sizeof(message), "%s: %.*s", what, (int)(name.len < 200 ? name.len : 200), name.ptr ? name.ptr : "");
  reply_error(in, code, message);
}

static void call_tools(const struct incoming *in) {
  const struct mcp *m = in->m;
  bp_str shown = kit_member_text(m->json, in->params, "name");
  char *name = NULL;
  if (!shown.len) {
    reply_error(in, RPC_PARAMS, "params.name must be the name of a tool");
    return;
  }
  if (kit_same(shown, "search_tools") && search_is_offered(in->session)) {
    search_call(in);
    return;
  }
  struct server *server = aggregate_find(in->session, LIST_TOOLS, shown, &name);
  if (!server) {
    no_such(in, RPC_PARAMS, "Unknown tool", shown);
    return;
  }
  if (strcmp(server->id, MCP_BUILTIN) == 0) {
    builtin_call(in, name);
    free(name);
    return;
  }
  if (!m->http->has_scope(in->request, BP_LIT("write"))) {
    free(name);
    reply_error(in, RPC_SERVER, "calling a tool needs the scope \"write\", which the credential used does not have");
    return;
  }
  struct call *call = begin_call(in);
  if (!call) {
    free(name);
    return;
  }
  call->name = name;
  call->arguments = aggregate_defaults(in->session, server, name, json_member(m, call->params, "arguments"));
  call_tool(call, server);
}

static void start(const struct incoming *in, struct server *server, char *name) {
  struct call *call = begin_call(in);
  if (!call) {
    free(name);
    return;
  }
  call->name = name;
  call_start(call, server);
}

static void get_prompt(const struct incoming *in) {
  bp_str shown = kit_member_text(in->m->json, in->params, "name");
  char *name = NULL;
  struct server *server = shown.len ? aggregate_find(in->session, LIST_PROMPTS, shown, &name) : NULL;
  if (server)
    start(in, server, name);
  else
    no_such(in, RPC_PARAMS, "Unknown prompt", shown);
}

static void on_resource(const struct incoming *in) {
  bp_str uri = kit_member_text(in->m->json, in->params, "uri");
  if (!uri.len) {
    reply_error(in, RPC_PARAMS, "params.uri must be the URI of a resource");
    return;
  }
  struct server *server = aggregate_find_resource(in->session, uri);
  if (server)
    start(in, server, NULL);
  else
    no_such(in, RPC_NO_RESOURCE, "Resource not found", uri);
}

static void complete(const struct incoming *in) {
  const struct mcp *m = in->m;
  bp_json ref = json_member(m, in->params, "ref");
  bp_str type = kit_member_text(m->json, ref, "type"), shown = kit_member_text(m->json, ref, "name"), uri = kit_member_text(m->json, ref, "uri");
  char *name = NULL;
  struct server *server = NULL;
  if (kit_same(type, "ref/prompt") && shown.len)
    server = aggregate_find(in->session, LIST_PROMPTS, shown, &name);
  else if (kit_same(type, "ref/resource") && uri.len)
    server = aggregate_find_resource(in->session, uri);
  if (server)
    start(in, server, name);
  else
    no_such(in, RPC_PARAMS, "Nothing to complete for", shown.len ? shown : uri);
}

/* ---- Requests answered here ---- */

static void ping(const struct incoming *in) {
  reply_result(in, BP_LIT("{}"));
}

static void list_tools(const struct incoming *in) {
  listing_begin(in, LIST_TOOLS);
}
static void list_resources(const struct incoming *in) {
  listing_begin(in, LIST_RESOURCES);
}
static void list_templates(const struct incoming *in) {
  listing_begin(in, LIST_TEMPLATES);
}
static void list_prompts(const struct incoming *in) {
  listing_begin(in, LIST_PROMPTS);
}

static void on_moved(void *ctx, struct instance *instance, const char *failure) {
  (void)ctx;
  (void)instance;
  (void)failure;
}

/* From now on it has servers of its own: subscriptions held elsewhere move there. */
static void become_private(struct session *session) {
  for (const struct subscription *sub = session->subscriptions; sub; sub = sub->next) {
    struct server *server = server_find(session->m, str_z(sub->server));
    if (server && server->main && server->main->subscriptions)
      server->main->subscriptions--;
    if (server)
      wake(server, session, on_moved, NULL);
  }
}

static void set_level(const struct incoming *in) {
  const struct mcp *m = in->m;
  struct session *session = in->session;
  char params[64];
  bp_str name = kit_member_text(m->json, in->params, "level");
  int level = level_of(name);
  if (level < 0) {
    reply_error(in, RPC_PARAMS, "params.level must be debug, info, notice, warning, error, critical, alert or emergency");
    return;
  }
  bool was_private = session_is_private(session);
  session->has_level = true;
  session->level = (unsigned)level;
  if (!was_private)
    become_private(session);
  snprintf(params, sizeof(params), "{\"level\":\"%.*s\"}", (int)name.len, name.ptr);
  for (struct instance *i = m->instances; i; i = i->next)
    if (i->owner == session && i->phase == INSTANCE_READY && json_member(m, json_member(m, i->init, "capabilities"), "logging"))
      instance_request(i, "logging/setLevel", str_z(params), m->call_timeout_ms, NULL, ignore_outcome, NULL);
  reply_result(in, BP_LIT("{}"));
}

/* Alphabetical. */
static const struct {
  const char *method;
  void (*handle)(const struct incoming *in);
} requests[] = {
    {"completion/complete", complete},
    {"logging/setLevel", set_level},
    {"ping", ping},
    {"prompts/get", get_prompt},
    {"prompts/list", list_prompts},
    {"resources/list", list_resources},
    {"resources/read", on_resource},
    {"resources/subscribe", on_resource},
    {"resources/templates/list", list_templates},
    {"resources/unsubscribe", on_resource},
    {"tools/call", call_tools},
    {"tools/list", list_tools},
};

void dispatch_request(const struct incoming *in) {
  for (const struct call *call = in->session->calls; call; call = call->next)
    if (kit_same(in->id, call->id)) {
      reply_error(in, RPC_INVALID, "a request with this id is still being answered");
      return;
    }
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
    if (kit_same(in->method, requests[i].method)) {
      requests[i].handle(in);
      return;
    }
  no_such(in, RPC_NO_METHOD, "Method not found", in->method);
}

/* ---- Notifications ---- */

static void cancelled(const struct incoming *in) {
  char *id = json_copy(in->m, json_member(in->m, in->params, "requestId"));
  struct call *call = in->session->calls;
  while (id && call && strcmp(call->id, id) != 0)
    call = call->next;
  if (id && call && !call->is_cancelled)
    call_cancel(call);
  free(id);
}

static struct ask *find_ask(const struct session *session, bp_json value) {
  int64_t id = 0;
  if (!value || session->m->json->integer(value, &id) != BP_OK)
    return NULL;
  for (struct instance *i = session->m->instances; i; i = i->next)
    for (struct ask *ask = i->owner == session ? i->asks : NULL; ask; ask = ask->next)
      if (ask->id == id)
        return ask;
  return NULL;
}

/* Progress of something a server asked this client for. */
static void progress(const struct incoming *in) {
  const struct mcp *m = in->m;
  const struct ask *ask = find_ask(in->session, json_member(m, in->params, "progressToken"));
  if (!ask || !ask->progress_token)
    return;
  bp_json_writer out = rpc_begin(m);
  if (!out)
    return;
  json_text_member(m->json, out, BP_LIT("method"), BP_LIT("notifications/progress"));
  m->json->key(out, BP_LIT("params"));
  m->json->object_begin(out);
  m->json->key(out, BP_LIT("progressToken"));
  m->json->put_raw(out, str_z(ask->progress_token));
  json_put_members(m, out, in->params, "progressToken", NULL);
  m->json->object_end(out);
  struct text text = rpc_end(m, out);
  instance_send(ask->instance, &text);
}

static void roots_changed(const struct incoming *in) {
  for (struct instance *i = in->m->instances; i; i = i->next)
    if (i->owner == in->session && i->phase == INSTANCE_READY)
      instance_notify(i, "notifications/roots/list_changed", BP_LIT(""));
}

void dispatch_notification(const struct incoming *in) {
  if (kit_same(in->method, "notifications/cancelled"))
    cancelled(in);
  else if (kit_same(in->method, "notifications/progress"))
    progress(in);
  else if (kit_same(in->method, "notifications/roots/list_changed"))
    roots_changed(in);
}

bool dispatch_answer(struct session *session, bp_json message) {
  struct ask *ask = find_ask(session, json_member(session->m, message, "id"));
  if (ask)
    ask_answer(ask, message);
  return ask != NULL;
}
