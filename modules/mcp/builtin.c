/* Routes as tools of the server `backplane`; see builtin.h. The host runs them through its own pipeline: scope, schema, facts, policy. */
#include "builtin.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOLS_MOST 256u

struct builtin_tool {
  char *name, *plugin, *operation;
};

struct builtin {
  struct server server;
  struct builtin_tool tools[TOOLS_MOST];
  uint32_t count;
  bp_json_writer out; /* while it is read */
  char *indexed;      /* the tools that can be searched for; NULL: those of an earlier run of the host */
};

static void drop_tools(struct builtin *b) {
  for (uint32_t i = 0; i < b->count; i++) {
    free(b->tools[i].name);
    free(b->tools[i].plugin);
    free(b->tools[i].operation);
  }
  b->count = 0;
}

static const struct builtin_tool *find(const struct builtin *b, const char *name) {
  for (uint32_t i = 0; i < b->count; i++)
    if (b->tools[i].name && strcmp(b->tools[i].name, name) == 0)
      return &b->tools[i];
  return NULL;
}

/* Operation ids are unique in a plugin only: the second of a name has its plugin's in front. */
static char *tool_name(const struct builtin *b, const bp_tool_route *tool) {
  char *name = str_copy(tool->operation_id);
  if (!name || !find(b, name))
    return name;
  struct text longer = {0};
  free(name);
  text_add(&longer, tool->plugin);
  text_add(&longer, BP_LIT("__"));
  text_add(&longer, tool->operation_id);
  return longer.ptr;
}

static void add_tool(void *ctx, const bp_tool_route *tool) {
  struct builtin *b = ctx;
  const struct mcp *m = b->server.m;
  char *name = b->count < TOOLS_MOST ? tool_name(b, tool) : NULL;
  if (!name)
    return;
  m->json->object_begin(b->out);
  json_text_member(m->json, b->out, BP_LIT("name"), str_z(name));
  json_text_member(m->json, b->out, BP_LIT("description"), tool->summary);
  m->json->key(b->out, BP_LIT("inputSchema"));
  m->json->put_raw(b->out, tool->schema);
  m->json->key(b->out, BP_LIT("annotations"));
  m->json->object_begin(b->out);
  m->json->key(b->out, BP_LIT("readOnlyHint"));
  m->json->put_boolean(b->out, (tool->flags & BP_ROUTE_READ_ONLY) != 0);
  m->json->object_end(b->out);
  m->json->object_end(b->out);
  b->tools[b->count++] = (struct builtin_tool){name, str_copy(tool->plugin), str_copy(tool->operation_id)};
}

static struct builtin *make(struct mcp *m) {
  struct builtin *b = calloc(1, sizeof(*b));
  if (!b)
    return NULL;
  b->server.m = m;
  b->server.id = str_copy(BP_LIT(MCP_BUILTIN));
  b->server.name = str_copy(BP_LIT("Backplane"));
  m->builtin = b;
  return b;
}

struct server *builtin_refresh(struct mcp *m) {
  bp_str text;
  if (!m->has_builtin || !BP_HAS(m->http, bp_http_1, tool_call))
    return NULL;
  struct builtin *b = m->builtin ? m->builtin : make(m);
  if (!b || !b->server.id || m->json->writer_new(m->self, &b->out) != BP_OK)
    return NULL;
  drop_tools(b);
  m->json->array_begin(b->out);
  m->http->tools(add_tool, b);
  m->json->array_end(b->out);
  manifest_release(m, &b->server.manifest);
  if (m->json->writer_text(b->out, &text, NULL) == BP_OK)
    b->server.manifest.lists[LIST_TOOLS] = manifest_parse(m, text);
  b->server.manifest.is_known = true;
  m->json->writer_free(b->out);
  return &b->server;
}

const struct server *builtin_server(const struct mcp *m) {
  return m->has_builtin && m->builtin ? &m->builtin->server : NULL;
}

/* ---- Being found ---- */

bool builtin_index(struct mcp *m, char **ret_tools, bp_db_done_fn done, void *ctx) {
  const struct server *server = builtin_refresh(m);
  const char *indexed = m->builtin ? m->builtin->indexed : NULL;
  char *tools = server ? json_copy(m, server->manifest.lists[LIST_TOOLS]) : str_copy(BP_LIT("[]"));
  const bp_db_value values[] = {db_text(BP_LIT(MCP_BUILTIN)), db_text(str_z(tools ? tools : "[]"))};
  const bp_db_step steps[] = {db_exec(CLEAR_TOOLS, values, 1), db_exec(INDEX_TOOLS, values, 2)};
  const bp_array all = BP_ARRAY(steps);
  bool is_known = !tools || (indexed && strcmp(indexed, tools) == 0);
  if (is_known || m->db->write(m->self, all, done, ctx) != BP_OK) {
    free(tools);
    return false;
  }
  *ret_tools = tools;
  return true;
}

void builtin_indexed(struct mcp *m, char *tools) {
  struct builtin *b = m->builtin ? m->builtin : make(m);
  if (!b) {
    free(tools);
    return;
  }
  free(b->indexed);
  b->indexed = tools;
}

void builtin_release(struct mcp *m) {
  struct builtin *b = m->builtin;
  if (!b)
    return;
  drop_tools(b);
  manifest_release(m, &b->server.manifest);
  free(b->server.id);
  free(b->server.name);
  free(b->indexed);
  free(b);
}

/* ---- Calls ---- */

struct builtin_call {
  struct mcp *m;
  bp_request request;
  bool is_gone; /* the client left, or has been answered for */
  char *id, *plugin, *operation, *arguments;
};

static void call_free_builtin(struct builtin_call *call) {
  free(call->id);
  free(call->plugin);
  free(call->operation);
  free(call->arguments);
  free(call);
}

static void answer(struct builtin_call *call, bp_str content, bool is_error) {
  struct mcp *m = call->m;
  bp_json_writer out = call->is_gone ? 0 : rpc_begin(m);
  if (out) {
    m->json->key(out, BP_LIT("id"));
    m->json->put_raw(out, str_z(call->id));
    m->json->key(out, BP_LIT("result"));
    rpc_put_text_result(m, out, content, is_error);
    struct text text = rpc_end(m, out);
    reply_rpc(m, call->request, NULL, 200, &text);
  }
  call_free_builtin(call);
}

static void on_answered(void *ctx, bp_status status, uint32_t http_status, bp_str content_type, bp_str body) {
  (void)content_type;
  if (status == BP_OK)
    answer(ctx, body, http_status >= 400);
  else
    answer(ctx, BP_LIT("the call was cancelled: the hub is stopping"), true);
}

static void on_decided(void *ctx, const bp_verdict *verdict) {
  struct builtin_call *call = ctx;
  struct mcp *m = call->m;
  bp_error err = BP_ERROR_INIT;
  if (call->is_gone) {
    call_free_builtin(call);
    return;
  }
  if (verdict->verdict != BP_VERDICT_ALLOW) {
    char reason[300];
    snprintf(reason, sizeof(reason), "denied: %.*s", (int)verdict->reason.len, verdict->reason.ptr ? verdict->reason.ptr : "");
    answer(call, str_z(reason), true);
    return;
  }
  char *allowed = facts_arguments(m, verdict->facts);
  bp_str arguments = allowed ? str_z(allowed) : call->arguments ? str_z(call->arguments) : BP_LIT("{}");
  bp_status status = m->http->tool_call(m->self, call->request, str_z(call->plugin), str_z(call->operation), arguments, on_answered, call, &err);
  free(allowed);
  if (status != BP_OK)
    answer(call, err.message[0] ? str_z(err.message) : BP_LIT("the tool could not be called"), true);
}

static void on_gone(void *ctx, bp_request request, uint32_t reason) {
  struct builtin_call *call = ctx;
  (void)request;
  (void)reason;
  call->is_gone = true;
}

void builtin_call(const struct incoming *in, const char *name) {
  struct mcp *m = in->m;
  const struct builtin_tool *tool = m->builtin ? find(m->builtin, name) : NULL;
  struct builtin_call *call = tool ? calloc(1, sizeof(*call)) : NULL;
  if (!call) {
    reply_error(in, RPC_PARAMS, "Unknown tool");
    return;
  }
  bp_json arguments = json_member(m, in->params, "arguments");
  *call = (struct builtin_call){.m = m,
                                .request = in->request,
                                .id = str_copy(in->id),
                                .plugin = str_copy(str_z(tool->plugin)),
                                .operation = str_copy(str_z(tool->operation)),
                                .arguments = json_copy(m, arguments)};
  struct text facts = call_facts(m, in->session, MCP_BUILTIN, name, call->arguments);
  m->http->header_add(in->request, BP_LIT("Mcp-Session-Id"), str_z(in->session->id));
  m->http->defer(in->request, on_gone, call);
  bp_status status = facts.len ? m->policy->decide(m->self, BP_LIT("mcp"), str_z(in->session->principal), text_str(&facts), HOLD_MS, on_decided, call)
                               : BP_E_NO_MEMORY;
  text_release(&facts);
  if (status != BP_OK)
    answer(call, BP_LIT("the policy could not be asked"), true);
}
