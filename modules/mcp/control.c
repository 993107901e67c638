/* Starting, stopping and asking one server by hand: the desktop family's routes about what runs. */
#include "control.h"
#include "session.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

/* A request about one server that waits for it. */
struct operation {
  struct kit_call call;
  struct operation *next; /* of those that wait for an end */
  struct mcp *m;
  char *id;
  bool is_restart;
  int64_t lines;
};

static struct operation *operation_new(struct mcp *m, bp_request request, const struct server *server) {
  struct operation *o = kit_call_new(m->self, m->http, m->db, request, sizeof(*o));
  if (!o)
    return NULL;
  o->m = m;
  o->id = str_copy(str_z(server->id));
  return o;
}

static void fail(struct operation *o, uint32_t status, const char *message) {
  free(o->id);
  kit_call_problem(o, status, str_z(message));
}

static void answer_status(struct operation *o, const struct server *server, const char *message) {
  const struct mcp *m = o->m;
  bp_json_writer out = answer_begin(m, o->call.request);
  int64_t pid = server ? server_pid(server) : 0;
  if (out) {
    json_text_member(m->json, out, BP_LIT("message"), str_z(message));
    json_text_member(m->json, out, BP_LIT("status"), server && server_is_running(server) ? BP_LIT("running") : BP_LIT("stopped"));
    m->json->key(out, BP_LIT("pid"));
    if (pid)
      m->json->put_integer(out, pid);
    else
      m->json->put_null(out);
    answer_end(m, o->call.request, out);
  }
  free(o->id);
  free(o);
}

/* ---- Start ---- */

static void on_started(void *ctx, struct instance *instance, const char *failure) {
  struct operation *o = ctx;
  if (instance)
    answer_status(o, instance->server, o->is_restart ? "Server restarted" : "Server started");
  else
    fail(o, 500, failure);
}

static void start(struct operation *o, struct server *server) {
  const char *failure = "the server could not be started";
  if (server->main && server_is_running(server)) {
    server->main->is_wanted = true;
    answer_status(o, server, "Server already running");
    return;
  }
  struct instance *instance = wake_by_hand(server, on_started, o, &failure);
  if (!instance)
    fail(o, 500, failure);
}

/* ---- Stop and restart ---- */

static void stop_all(struct server *server) {
  for (struct instance *i = server->m->instances; i; i = i->next)
    if (i->server == server)
      instance_stop(i, "the server was stopped");
}

static void on_ended(struct operation *o, struct server *server) {
  if (o->is_restart && server)
    start(o, server);
  else if (o->is_restart)
    fail(o, 404, "Server not found");
  else
    answer_status(o, server, "Server stopped");
}

void control_ended(struct mcp *m, const struct server *server) {
  for (struct operation **at = &m->operations; *at;) {
    struct operation *o = *at;
    if (strcmp(o->id, server->id) != 0 || server->main) {
      at = &o->next;
      continue;
    }
    *at = o->next;
    on_ended(o, server_find(m, str_z(o->id)));
    at = &m->operations;
  }
}

static void stop(struct operation *o, struct server *server) {
  struct mcp *m = o->m;
  if (!server->main) {
    stop_all(server);
    on_ended(o, server);
    return;
  }
  o->next = m->operations;
  m->operations = o;
  stop_all(server);
  control_ended(m, server); /* one that is no process has ended now */
}

void mcp_action(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0;
  m->http->facts(request, &facts);
  bp_str action = kit_member_text(m->json, facts, "operation");
  struct server *server = server_find(m, kit_member_text(m->json, facts, "id"));
  bool is_start = kit_same(action, "start"), is_stop = kit_same(action, "stop"), is_restart = kit_same(action, "restart");
  if (!server) {
    kit_problem(m->http, request, 404, BP_LIT("Server not found"));
    return;
  }
  if (!is_start && !is_stop && !is_restart) {
    kit_problem(m->http, request, 400,
                action.len ? BP_LIT("Invalid action. Must be: start, stop, or restart") : BP_LIT("Action is required: start, stop, or restart"));
    return;
  }
  struct operation *o = operation_new(m, request, server);
  if (!o)
    return;
  o->is_restart = is_restart;
  if (is_start)
    start(o, server);
  else
    stop(o, server);
}

/* ---- Tools ---- */

static void answer_tools(const struct mcp *m, bp_request request, const struct server *server) {
  bp_json_writer out = answer_begin(m, request);
  bp_json tools = server->manifest.lists[LIST_TOOLS];
  if (!out)
    return;
  m->json->key(out, BP_LIT("tools"));
  if (tools) {
    m->json->put_value(out, tools);
  } else {
    m->json->array_begin(out);
    m->json->array_end(out);
  }
  m->json->key(out, BP_LIT("count"));
  m->json->put_integer(out, tools ? m->json->count(tools) : 0);
  answer_end(m, request, out);
}

static void on_known(void *ctx, struct instance *instance, const char *failure) {
  struct operation *o = ctx;
  if (!instance) {
    fail(o, 500, failure);
    return;
  }
  answer_tools(o->m, o->call.request, instance->server);
  free(o->id);
  free(o);
}

/* The server the path names, or NULL and 404. */
static struct server *server_of(struct mcp *m, bp_request request) {
  bp_str id = {NULL, 0};
  m->http->param(request, BP_LIT("id"), &id);
  struct server *server = server_find(m, id);
  if (!server)
    kit_problem(m->http, request, 404, BP_LIT("Server not found"));
  return server;
}

void mcp_tools(void *state, bp_request request) {
  struct mcp *m = state;
  struct server *server = server_of(m, request);
  if (!server)
    return;
  if (server->manifest.is_known) {
    answer_tools(m, request, server);
    return;
  }
  struct operation *o = operation_new(m, request, server);
  if (o)
    wake(server, NULL, on_known, o);
}

/* ---- Execute ---- */

static void on_execute_gone(void *ctx, bp_request request, uint32_t reason) {
  (void)request;
  (void)reason;
  call_cancel(ctx);
}

/* The params of tools/call as JSON text in `out`. */
static bp_json execute_params(const struct mcp *m, bp_str tool, bp_json arguments) {
  bp_json_writer out = 0;
  bp_str text;
  bp_json params = 0;
  if (m->json->writer_new(m->self, &out) != BP_OK)
    return 0;
  m->json->object_begin(out);
  json_text_member(m->json, out, BP_LIT("name"), tool);
  m->json->key(out, BP_LIT("arguments"));
  if (arguments) {
    m->json->put_value(out, arguments);
  } else {
    m->json->object_begin(out);
    m->json->object_end(out);
  }
  m->json->object_end(out);
  if (m->json->writer_text(out, &text, NULL) == BP_OK)
    m->json->parse(m->self, text, &params, NULL);
  m->json->writer_free(out);
  return params;
}

void mcp_execute(void *state, bp_request request) {
  struct mcp *m = state;
  bp_json facts = 0;
  m->http->facts(request, &facts);
  bp_str tool = kit_member_text(m->json, facts, "tool");
  bp_json arguments = json_member(m, facts, "arguments");
  struct server *server = server_find(m, kit_member_text(m->json, facts, "server"));
  if (arguments && m->json->type(arguments) == BP_JSON_NULL)
    arguments = 0;
  if (!tool.len || !server || (arguments && m->json->type(arguments) != BP_JSON_OBJECT)) {
    kit_problem(m->http, request, tool.len && !server ? 404 : 400,
                !tool.len ? BP_LIT("Tool name is required")
                : !server ? BP_LIT("Server not found")
                          : BP_LIT("parameters must be an object"));
    return;
  }
  bp_json params = execute_params(m, tool, arguments);
  struct call *call = params ? call_new(m, NULL, BP_LIT("0"), BP_LIT("tools/call"), params) : NULL;
  if (params)
    m->json->release(m->self, params);
  if (!call) {
    m->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  call->request = request;
  m->http->defer(request, on_execute_gone, call);
  call_start(call, server);
}

/* ---- Logs ---- */

static void on_logs(void *ctx, const bp_db_outcome *outcome) {
  struct operation *o = ctx;
  const struct mcp *m = o->m;
  struct text all = {0};
  if (outcome->status != BP_OK) {
    free(o->id);
    kit_call_failed(o, outcome);
    return;
  }
  for (uint32_t row = 0; row < m->db->rows(outcome->result, 0); row++) {
    bp_json piece = 0;
    if (m->json->parse(m->self, db_column(m->db, outcome, 0, row, 0), &piece, NULL) != BP_OK)
      continue;
    text_add(&all, kit_member_text(m->json, piece, "data"));
    m->json->release(m->self, piece);
  }
  size_t start = all.len;
  for (int64_t lines = o->lines; start > 0 && lines > 0; start--)
    if (start >= 2 && all.ptr[start - 2] == '\n' && --lines == 0)
      break;
  bp_json_writer out = answer_begin(m, o->call.request);
  if (out) {
    json_text_member(m->json, out, BP_LIT("logs"), start > 0 ? bp_str_make(all.ptr + start - 1, all.len - start + 1) : text_str(&all));
    answer_end(m, o->call.request, out);
  }
  text_release(&all);
  free(o->id);
  free(o);
}

void mcp_logs(void *state, bp_request request) {
  struct mcp *m = state;
  struct server *server = server_of(m, request);
  struct operation *o = server ? operation_new(m, request, server) : NULL;
  if (!o)
    return;
  o->lines = 100;
  m->http->param_integer(request, BP_LIT("lines"), &o->lines);
  const bp_db_value values[] = {db_text(str_z(server->id)), db_integer(200)};
  const bp_db_query query = {.size = sizeof(query), .statement = READ_LOG, .params = BP_ARRAY(values)};
  log_flush(m);
  kit_call_read(o, &query, 1, on_logs);
}
