/* The route table: where each URL of this module is answered. */
#include "services.h"

#define CHANGE_TIMEOUT_MS 1800000u /* an image may have to come from far away */

static const char body_schema[] = "{\"type\":\"object\"}";
static const char list_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"dockerInstalled\",\"services\",\"count\"],\"properties\":{\"success\":{\"const\":true},"
    "\"dockerInstalled\":{\"type\":\"boolean\"},\"services\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"name\","
    "\"category\",\"dockerImage\",\"ports\",\"installed\",\"status\",\"containerName\",\"port\"]}},\"count\":{\"type\":\"integer\"}}}";
static const char done_schema[] = "{\"type\":\"object\",\"required\":[\"success\"],\"properties\":{\"success\":{\"const\":true},\"message\":"
                                  "{\"type\":\"string\"},\"logs\":{\"type\":\"string\"},\"jobId\":{\"type\":\"string\"}}}";
static const char logs_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"logs\"],\"properties\":{\"logs\":{\"type\":\"string\"}}}";

static const bp_param id_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the service")},
};
static const bp_param action_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("action"),
     .doc = BP_STR("install, uninstall, start, stop or restart")},
};

#define CHANGE                                                                                                                                       \
  .body_schema = BP_STR(body_schema), .response_schema = BP_STR(done_schema), .flags = BP_ROUTE_OPTIONAL_BODY, .timeout_ms = CHANGE_TIMEOUT_MS,      \
  .policy = BP_STR("services")

const bp_route services_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/services", "list_services", "The databases there are to install, and what is installed of them"),
     .flags = BP_ROUTE_MCP_TOOL, .response_schema = BP_STR(list_schema), .handle = services_list},
    {KIT_ROUTE("POST", "/api/services", "change_service", "Install, uninstall, start, stop or restart a service, or its logs"), CHANGE,
     .handle = services_post, .facts = facts_post},
    {KIT_ROUTE("POST", "/api/services/{action}", "act_on_service", "The same with the action in the path"), CHANGE, .params = BP_ARRAY(action_params),
     .handle = services_action, .facts = facts_action},
    {KIT_ROUTE("GET", "/api/services/{id}/logs", "get_service_logs", "The last lines a service has written"), .params = BP_ARRAY(id_params),
     .response_schema = BP_STR(logs_schema), .handle = services_logs},
};
