/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "repositories.h"

/* Bodies are objects; what is in them is checked by the handlers, because clients know their sentences. */
static const char body_schema[] = "{\"type\":\"object\"}";

static const char repository_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"repository\"],\"properties\":{\"success\":{\"const\":true},\"repository\":{\"type\":\"object\","
    "\"required\":[\"id\",\"name\",\"path\",\"type\",\"port\",\"url\",\"branch\",\"running\",\"pid\",\"created_at\",\"updated_at\"],\"properties\":{"
    "\"id\":{\"type\":\"integer\"},\"type\":{\"enum\":[\"git\",\"local\"]},\"port\":{\"type\":\"integer\"},\"running\":{\"type\":\"boolean\"}}}}}";

static const char deleted_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{\"message\":{\"const\":\"Repository deleted\"}}}";

/* Text, so that an id that is no number finds nothing instead of being a fault of its own. */
static const bp_param path_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("id"), .doc = BP_STR("the repository")},
};
static const bp_param query_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("id"), .doc = BP_STR("the repository")},
};

#define POLICY .policy = BP_STR("repositories")
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY

const bp_route repositories_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/repositories", "list_repositories", "All repositories, or the one named by ?id="), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(query_params), .handle = repositories_list},
    {KIT_ROUTE("POST", "/api/repositories", "create_repository", "Register a repository; without a port it gets the next free one"), BODY,
     .response_schema = BP_STR(repository_schema), .handle = repositories_create, .facts = facts_create, POLICY},
    {KIT_ROUTE("PUT", "/api/repositories", "update_repository_by_body", "Change the repository named by the body's id"), BODY,
     .params = BP_ARRAY(query_params), .response_schema = BP_STR(repository_schema), .handle = repositories_update, .facts = facts_change, POLICY},
    {KIT_ROUTE("DELETE", "/api/repositories", "delete_repository_by_query", "Forget the repository named by ?id="), BODY,
     .params = BP_ARRAY(query_params), .response_schema = BP_STR(deleted_schema), .handle = repositories_delete, .facts = facts_change, POLICY},
    {KIT_ROUTE("PUT", "/api/repositories/{id}", "update_repository", "Change name, path, url or branch"), BODY, .params = BP_ARRAY(path_params),
     .response_schema = BP_STR(repository_schema), .handle = repositories_update, .facts = facts_change, POLICY},
    {KIT_ROUTE("DELETE", "/api/repositories/{id}", "delete_repository", "Forget a repository that is not running"), .params = BP_ARRAY(path_params),
     .response_schema = BP_STR(deleted_schema), .handle = repositories_delete, .facts = facts_change, POLICY},
};
