/* The route table: where each URL of this family is answered. Handlers are in handlers.c, running an agent is run.c. */
#include "agents.h"

#define SERVERS                                                                                                                                      \
  "\"mcp_servers\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\"}},{\"type\":\"object\"}]},"   \
  "\"skills\":{\"type\":[\"array\",\"null\"],\"maxItems\":256,\"items\":{\"type\":\"string\",\"maxLength\":256}}"
#define STATUS "\"status\":{\"enum\":[\"active\",\"inactive\"]}"

static const char create_schema[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"description\",\"system_prompt\"],\"properties\":{\"name\":{\"type\":\"string\"},"
    "\"description\":{\"type\":\"string\"},\"system_prompt\":{\"type\":\"string\"}," SERVERS "}}";

static const char patch_schema[] =
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":[\"string\",\"null\"]},\"description\":{\"type\":[\"string\",\"null\"]},"
    "\"system_prompt\":{\"type\":[\"string\",\"null\"]},\"status\":{\"enum\":[\"active\",\"inactive\",null]}," SERVERS "}}";

static const char status_schema[] = "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{" STATUS "}}";

static const char run_schema[] =
    "{\"type\":\"object\",\"properties\":{\"prompt\":{\"type\":[\"string\",\"null\"]},\"session_id\":{\"type\":[\"string\",\"null\"],"
    "\"maxLength\":63},\"session_name\":{\"type\":[\"string\",\"null\"],\"maxLength\":200}}}";

static const char agent_schema[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"description\",\"system_prompt\",\"mcp_servers\",\"skills\",\"status\",\"created_at\","
    "\"updated_at\"],\"properties\":{\"name\":{\"type\":\"string\"},\"mcp_servers\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"skills\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}," STATUS "}}";

static const bp_param name_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("name"), .doc = BP_STR("the agent")},
};

#define NAMED .params = BP_ARRAY(name_params)
#define FACTS .facts = facts_agent, .policy = BP_STR("agents")

const bp_route agents_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/health", "get_health", "Is the service up"), .scope = BP_STR("public"), .handle = agents_health},
    {KIT_ROUTE("GET", "/agents", "list_agents", "All agents, by name"), .flags = BP_ROUTE_MCP_TOOL, .handle = agents_list},
    {KIT_ROUTE("POST", "/agents", "create_agent", "Create an agent"), .body_schema = BP_STR(create_schema), .response_schema = BP_STR(agent_schema),
     .success_status = 201, .handle = agents_create, FACTS},
    {KIT_ROUTE("GET", "/agents/{name}", "get_agent", "One agent"), .flags = BP_ROUTE_MCP_TOOL, NAMED, .response_schema = BP_STR(agent_schema),
     .handle = agents_get},
    {KIT_ROUTE("PATCH", "/agents/{name}", "patch_agent", "Change what is given of an agent"), NAMED, .body_schema = BP_STR(patch_schema),
     .response_schema = BP_STR(agent_schema), .handle = agents_patch, FACTS},
    {KIT_ROUTE("DELETE", "/agents/{name}", "delete_agent", "Delete an agent that no running session uses"), NAMED, .handle = agents_delete, FACTS},
    {KIT_ROUTE("PATCH", "/agents/{name}/status", "set_agent_status", "Switch an agent on or off"), NAMED, .body_schema = BP_STR(status_schema),
     .response_schema = BP_STR(agent_schema), .handle = agents_set_status, FACTS},
    {KIT_ROUTE("POST", "/agents/{name}/run", "run_agent", "Start the agent's command as a session"), NAMED, .flags = BP_ROUTE_OPTIONAL_BODY,
     .body_schema = BP_STR(run_schema), .success_status = 201, .handle = agents_run, FACTS},
};
