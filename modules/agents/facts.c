/* What a policy decides on: which agent, what would be done to it, and which commands it would get. */
#include "agents.h"

#include <stdio.h>
#include <string.h>

static bp_str action_of(const struct agents *a, bp_request request, bool has_name) {
  bp_str method = a->http->method(request), path = a->http->path(request);
  if (kit_same(method, "DELETE"))
    return BP_LIT("delete");
  if (kit_same(method, "PATCH"))
    return path.len > 7 && memcmp(path.ptr + path.len - 7, "/status", 7) == 0 ? BP_LIT("set_status") : BP_LIT("change");
  return has_name ? BP_LIT("run") : BP_LIT("create");
}

/* Names of MCP servers, and the commands of those that come with one. */
static void put_servers(const struct agents *a, bp_json_writer facts, bp_json body) {
  bp_json servers = 0, config = 0;
  bp_str name;
  uint64_t cursor = 0;
  if (!body || a->json->get(body, BP_LIT("mcp_servers"), &servers) != BP_OK)
    return;
  a->json->key(facts, BP_LIT("mcp_servers"));
  if (a->json->type(servers) != BP_JSON_OBJECT) {
    a->json->put_value(facts, servers);
    return;
  }
  a->json->array_begin(facts);
  while (a->json->next(servers, &cursor, &name, &config) == BP_OK)
    a->json->put_string(facts, name);
  a->json->array_end(facts);
  a->json->key(facts, BP_LIT("commands"));
  a->json->array_begin(facts);
  for (cursor = 0; a->json->next(servers, &cursor, &name, &config) == BP_OK;) {
    bp_str command = kit_member_text(a->json, config, "command");
    if (command.ptr)
      a->json->put_string(facts, command);
  }
  a->json->array_end(facts);
}

bp_status facts_agent(void *state, bp_request request, bp_json_writer facts) {
  const struct agents *a = state;
  char path[PATH_MAX + NAME_BYTES];
  bp_json body = 0;
  bp_str name = {NULL, 0};
  bool has_name = a->http->param(request, BP_LIT("name"), &name) == BP_OK;
  if (a->http->body(request, &body) != BP_OK)
    body = 0;
  if (!has_name)
    name = kit_member_text(a->json, body, "name");
  a->json->object_begin(facts);
  json_text_member(a->json, facts, BP_LIT("module"), BP_LIT("agents"));
  json_text_member(a->json, facts, BP_LIT("action"), action_of(a, request, has_name));
  json_text_member(a->json, facts, BP_LIT("name"), name);
  if (folder_is_agent_name(name)) {
    snprintf(path, sizeof(path), "%s/%.*s", a->folder, (int)name.len, name.ptr);
    json_text_member(a->json, facts, BP_LIT("path"), str_z(path));
  }
  bp_str status = kit_member_text(a->json, body, "status");
  if (status.ptr)
    json_text_member(a->json, facts, BP_LIT("status"), status);
  a->json->key(facts, BP_LIT("system_prompt_bytes"));
  a->json->put_integer(facts, (int64_t)kit_member_text(a->json, body, "system_prompt").len);
  put_servers(a, facts, body);
  a->json->object_end(facts);
  return BP_OK;
}
