/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "routes.h"

#define EXECUTE_TIMEOUT_MS 600000 /* the call's own time-out, call_timeout_ms, comes first */
#define MCP_TIMEOUT_MS 120000     /* of answers that are no stream: lists that wait for servers to start */

static const char body_schema[] = "{\"type\":\"object\"}";
static const char any_schema[] = "{}";

#define SERVER_SCHEMA                                                                                                                                \
  "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"command\",\"args\",\"env\",\"status\",\"createdAt\",\"updatedAt\"],\"properties\":{\"id\":{" \
  "\"type\":\"string\"},\"args\":{\"type\":\"array\"},\"env\":{\"type\":\"object\"},\"status\":{\"enum\":[\"running\",\"stopped\"]}}}"

static const char server_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"server\"],\"properties\":{\"server\":" SERVER_SCHEMA "}}";
static const char servers_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"servers\",\"count\"],\"properties\":{\"servers\":{\"type\":\"array\",\"items\":" SERVER_SCHEMA
    "}}}";
static const char tools_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"tools\",\"count\"],\"properties\":{\"tools\":{\"type\":"
                                   "\"array\"},\"count\":{\"type\":\"integer\"}}}";
static const char status_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\",\"status\"],\"properties\":{\"status\":{\"type\":\"string\"}}}";
static const char result_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"result\"]}";

#define ID_PARAM                                                                                                                                     \
  { .size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the server") }

static const bp_param id_params[] = {ID_PARAM};
static const bp_param log_params[] = {
    ID_PARAM,
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("lines"),
     .doc = BP_STR("how many lines, the newest"),
     .def = BP_STR("100"),
     .minimum = 1,
     .maximum = 10000},
};
static const bp_param server_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("server"), .doc = BP_STR("id of a server")},
};
static const bp_param group_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("group"),
     .doc = BP_STR("a group of the configuration")},
};

/* Handlers run once the registry has been read: a host that has just started answers nothing out of an empty one. */
#define GATED(name)                                                                                                                                  \
  static void gated_##name(void *state, bp_request request) {                                                                                        \
    if (!registry_hold(state, request, name))                                                                                                        \
      name(state, request);                                                                                                                          \
  }
GATED(mcp_list)
GATED(mcp_create)
GATED(mcp_import)
GATED(mcp_get)
GATED(mcp_update)
GATED(mcp_delete)
GATED(mcp_action)
GATED(mcp_tools)
GATED(mcp_execute)
GATED(mcp_logs)
GATED(hub_post)
GATED(hub_get)
GATED(hub_delete)

#define POLICY .policy = BP_STR("mcp")
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY
#define ABOUT .params = BP_ARRAY(id_params)

/* Messages of the protocol: what they do is decided call by call, in the set "mcp" (call.c), so the routes have no policy. Their scope is
 * read: calling a server's tool asks for write itself. */
/* NOLINTBEGIN(bugprone-macro-parentheses): members of an initializer */
#define PROTOCOL(path, params, post, get, end)                                                                                                       \
  {KIT_ROUTE("POST", path, post, "One MCP message to the hub (Streamable HTTP)"),                                                                    \
   params.body_schema = BP_STR(any_schema),                                                                                                          \
   .scope = BP_STR("read"),                                                                                                                          \
   .timeout_ms = MCP_TIMEOUT_MS,                                                                                                                     \
   .body_limit_bytes = MESSAGE_BYTES_MOST,                                                                                                           \
   .handle = gated_hub_post,                                                                                                                         \
   .policy = BP_STR("none")},                                                                                                                        \
      {KIT_ROUTE("GET", path, get, "The session's own event stream, or what is left of a broken one"), params.handle = gated_hub_get}, {             \
    KIT_ROUTE("DELETE", path, end, "Ends the session"), params.scope = BP_STR("read"), .handle = gated_hub_delete, .policy = BP_STR("none")          \
  }
/* NOLINTEND(bugprone-macro-parentheses) */
#define NO_PARAMS
#define OF_SERVER .params = BP_ARRAY(server_params),
#define OF_GROUP .params = BP_ARRAY(group_params),

const bp_route mcp_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/mcp", "list_mcp_servers", "All registered MCP servers"), .flags = BP_ROUTE_MCP_TOOL,
     .response_schema = BP_STR(servers_schema), .handle = gated_mcp_list},
    {KIT_ROUTE("POST", "/api/mcp", "create_mcp_server", "Register an MCP server"), BODY, .response_schema = BP_STR(server_schema),
     .handle = gated_mcp_create, .facts = facts_create, POLICY},
    {KIT_ROUTE("POST", "/api/mcp/import", "import_mcp_servers", "Register the servers of an mcpServers file"), BODY, .handle = gated_mcp_import,
     .facts = facts_import, POLICY},
    {KIT_ROUTE("GET", "/api/mcp/{id}", "get_mcp_server", "One server"), ABOUT, .flags = BP_ROUTE_MCP_TOOL, .response_schema = BP_STR(server_schema),
     .handle = gated_mcp_get},
    {KIT_ROUTE("PATCH", "/api/mcp/{id}", "update_mcp_server", "Change a server; it takes effect at its next start"), BODY, ABOUT,
     .response_schema = BP_STR(server_schema), .handle = gated_mcp_update, .facts = facts_update, POLICY},
    {KIT_ROUTE("DELETE", "/api/mcp/{id}", "delete_mcp_server", "Stop and forget a server"), ABOUT, .handle = gated_mcp_delete, .facts = facts_delete,
     POLICY},
    {KIT_ROUTE("POST", "/api/mcp/{id}/action", "control_mcp_server", "Start, stop or restart a server"), BODY, ABOUT,
     .response_schema = BP_STR(status_schema), .handle = gated_mcp_action, .facts = facts_action, POLICY},
    {KIT_ROUTE("GET", "/api/mcp/{id}/tools", "list_mcp_tools", "The tools of a server; it is started if nobody knows them yet"), ABOUT,
     .response_schema = BP_STR(tools_schema), .timeout_ms = MCP_TIMEOUT_MS, .handle = gated_mcp_tools},
    {KIT_ROUTE("POST", "/api/mcp/{id}/execute", "execute_mcp_tool", "Call a tool; a stopped server is woken"), BODY, ABOUT,
     .response_schema = BP_STR(result_schema), .timeout_ms = EXECUTE_TIMEOUT_MS, .handle = gated_mcp_execute, .facts = facts_execute, POLICY},
    {KIT_ROUTE("GET", "/api/mcp/{id}/logs", "get_mcp_logs", "What a server has written outside the protocol"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(log_params), .handle = gated_mcp_logs},
    PROTOCOL("/mcp", NO_PARAMS, "mcp_post", "mcp_stream", "mcp_end"),
    PROTOCOL("/mcp/server/{server}", OF_SERVER, "mcp_server_post", "mcp_server_stream", "mcp_server_end"),
    PROTOCOL("/mcp/group/{group}", OF_GROUP, "mcp_group_post", "mcp_group_stream", "mcp_group_end"),
};
