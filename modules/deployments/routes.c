/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "deployments.h"

#define ACTION_TIMEOUT_MS 120000 /* a stop with its grace, a start with those it depends on */

/* Bodies are objects; what is in them is checked by the handlers, because clients know their sentences. */
static const char body_schema[] = "{\"type\":\"object\"}";

#define DEPLOYMENT_SCHEMA                                                                                                                            \
  "{\"type\":\"object\",\"required\":[\"id\",\"repositoryId\",\"name\",\"domain\",\"port\",\"status\",\"mode\",\"instances\",\"pid\",\"memory\","    \
  "\"cpu\",\"uptime\",\"createdAt\",\"updatedAt\",\"repositoryName\",\"repositoryPath\"],\"properties\":{\"id\":{\"type\":\"integer\"},"             \
  "\"status\":{\"enum\":[\"stopped\",\"running\",\"error\"]},\"mode\":{\"enum\":[\"fork\",\"cluster\"]}}}"

static const char list_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"deployments\",\"count\"],\"properties\":{\"success\":{\"const\":true},"
    "\"deployments\":{\"type\":\"array\",\"items\":" DEPLOYMENT_SCHEMA "},\"count\":{\"type\":\"integer\"}}}";

static const char created_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"deployment\",\"message\"],\"properties\":{"
                                     "\"success\":{\"const\":true},\"deployment\":" DEPLOYMENT_SCHEMA ",\"message\":{\"type\":\"string\"}}}";

static const char acted_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{\"success\":{\"const\":true},"
                                   "\"message\":{\"type\":\"string\"}}}";

static const char logs_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"logs\"],\"properties\":{\"logs\":{\"type\":\"string\"}}}";

static const char services_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"services\"],\"properties\":{\"services\":{\"type\":\"array\"}}}";

static const char processes_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"processes\",\"count\"],\"properties\":{\"processes\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"id\",\"name\",\"status\",\"uptime\",\"cpu\",\"memory\",\"restarts\",\"pid\",\"mode\",\"instances\"],"
    "\"properties\":{\"id\":{\"type\":\"string\"}}}},\"count\":{\"type\":\"integer\"}}}";

/* Text, so that an id that is no number finds nothing instead of being a fault of its own. */
static const bp_param action_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the deployment")},
};
static const bp_param log_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the deployment")},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .name = BP_STR("lines"),
     .doc = BP_STR("how many of the last lines, at most 10000; 100 without it")},
};

#define POLICY .policy = BP_STR("deployments")
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY

const bp_route deployments_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/deployments", "list_deployments", "All deployments with their processes' figures"), .flags = BP_ROUTE_MCP_TOOL,
     .response_schema = BP_STR(list_schema), .handle = deployments_list},
    {KIT_ROUTE("POST", "/api/deployments", "create_deployment", "Make a deployment of a repository; it is not started"), BODY,
     .response_schema = BP_STR(created_schema), .handle = deployments_create, .facts = facts_create, POLICY},
    {KIT_ROUTE("GET", "/api/deployments/services", "list_deployment_services", "Databases and the like that a deployment can be connected to"),
     .response_schema = BP_STR(services_schema), .handle = deployments_services},
    {KIT_ROUTE("POST", "/api/deployments/{id}/action", "act_on_deployment", "Start, stop, restart or delete a deployment"), BODY,
     .params = BP_ARRAY(action_params), .response_schema = BP_STR(acted_schema), .timeout_ms = ACTION_TIMEOUT_MS, .handle = deployments_action,
     .facts = facts_action, POLICY},
    {KIT_ROUTE("GET", "/api/deployments/{id}/logs", "get_deployment_logs", "The last lines a deployment has written"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(log_params), .response_schema = BP_STR(logs_schema), .handle = deployments_logs},
    {KIT_ROUTE("GET", "/api/pm2-processes", "list_pm2_processes", "The processes under supervision, in the words of PM2"),
     .response_schema = BP_STR(processes_schema), .handle = deployments_processes},
};
