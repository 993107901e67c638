/* What a policy decides on: the exact command and arguments, names of environment variables but never their values, and for a
 * tool call the server, the tool and its arguments. Handlers act on these. */
#include "mcp.h"

static void begin(const struct mcp *m, bp_json_writer facts, const char *action) {
  m->json->object_begin(facts);
  json_text_member(m->json, facts, BP_LIT("module"), BP_LIT("mcp"));
  json_text_member(m->json, facts, BP_LIT("action"), str_z(action));
}

static void put(const struct mcp *m, bp_json_writer facts, bp_json body, const char *name, const char *as) {
  bp_json value = json_member(m, body, name);
  if (!value)
    return;
  m->json->key(facts, str_z(as));
  m->json->put_value(facts, value);
}

static void put_id(const struct mcp *m, bp_request request, bp_json_writer facts, const char *as) {
  bp_str id = {NULL, 0};
  if (m->http->param(request, BP_LIT("id"), &id) == BP_OK)
    json_text_member(m->json, facts, str_z(as), id);
}

static void put_entry(const struct mcp *m, bp_json_writer facts, bp_json entry) {
  uint64_t cursor = 0;
  bp_str name;
  bp_json value, env = json_member(m, entry, json_member(m, entry, "url") || json_member(m, entry, "headers") ? "headers" : "env");
  put(m, facts, entry, "description", "description");
  put(m, facts, entry, "url", "url");
  put(m, facts, entry, "command", "command");
  put(m, facts, entry, "args", "args");
  put(m, facts, entry, json_member(m, entry, "workingDirectory") ? "workingDirectory" : "cwd", "cwd");
  if (!env)
    return;
  m->json->key(facts, BP_LIT("env"));
  m->json->array_begin(facts);
  while (m->json->next(env, &cursor, &name, &value) == BP_OK)
    m->json->put_string(facts, name);
  m->json->array_end(facts);
}

bp_status facts_create(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  bp_json body = 0;
  begin(m, facts, "create");
  if (m->http->body(request, &body) == BP_OK) {
    put(m, facts, body, "id", "id");
    put(m, facts, body, "name", "name");
    put_entry(m, facts, body);
  }
  m->json->object_end(facts);
  return BP_OK;
}

bp_status facts_update(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  bp_json body = 0;
  begin(m, facts, "update");
  put_id(m, request, facts, "id");
  if (m->http->body(request, &body) == BP_OK) {
    put(m, facts, body, "name", "name");
    put_entry(m, facts, body);
  }
  m->json->object_end(facts);
  return BP_OK;
}

bp_status facts_delete(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  begin(m, facts, "delete");
  put_id(m, request, facts, "id");
  m->json->object_end(facts);
  return BP_OK;
}

/* The usual file of MCP clients: {"mcpServers": {name: {command, args, env, cwd}}}. */
bp_status facts_import(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  bp_json body = 0, entry;
  uint64_t cursor = 0;
  bp_str name;
  begin(m, facts, "import");
  m->json->key(facts, BP_LIT("servers"));
  m->json->array_begin(facts);
  m->http->body(request, &body);
  bp_json servers = json_member(m, body, "mcpServers");
  while (servers && m->json->next(servers, &cursor, &name, &entry) == BP_OK) {
    bp_str title = kit_member_text(m->json, entry, "name");
    m->json->object_begin(facts);
    json_text_member(m->json, facts, BP_LIT("id"), name);
    json_text_member(m->json, facts, BP_LIT("name"), title.ptr ? title : name);
    put_entry(m, facts, entry);
    if (!json_member(m, entry, "args")) {
      m->json->key(facts, BP_LIT("args"));
      m->json->array_begin(facts);
      m->json->array_end(facts);
    }
    m->json->object_end(facts);
  }
  m->json->array_end(facts);
  m->json->object_end(facts);
  return BP_OK;
}

bp_status facts_action(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  bp_json body = 0;
  bp_str id = {NULL, 0};
  m->http->body(request, &body);
  m->http->param(request, BP_LIT("id"), &id);
  const struct server *server = server_find(m, id);
  begin(m, facts, "control");
  json_text_member(m->json, facts, BP_LIT("id"), id);
  put(m, facts, body, "action", "operation");
  if (server) {
    json_text_member(m->json, facts, BP_LIT("command"), str_z(server->command));
    m->json->key(facts, BP_LIT("args"));
    m->json->put_raw(facts, str_z(server->args));
  }
  m->json->object_end(facts);
  return BP_OK;
}

bp_status facts_execute(void *state, bp_request request, bp_json_writer facts) {
  const struct mcp *m = state;
  bp_json body = 0;
  m->http->body(request, &body);
  begin(m, facts, "call");
  put_id(m, request, facts, "server");
  put(m, facts, body, kit_member_text(m->json, body, "tool").len ? "tool" : "toolName", "tool");
  if (json_member(m, body, "parameters"))
    put(m, facts, body, "parameters", "arguments");
  else
    put(m, facts, body, "arguments", "arguments");
  json_text_member(m->json, facts, BP_LIT("principal"), m->http->principal(request));
  m->json->key(facts, BP_LIT("session"));
  m->json->put_null(facts);
  m->json->object_end(facts);
  return BP_OK;
}
