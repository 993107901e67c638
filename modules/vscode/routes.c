/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "vscode.h"

#define START_TIMEOUT_MS 150000 /* more than the longest ready_timeout_s and a stop before it */

static const char body_schema[] = "{\"type\":\"object\"}";

static const char repositories_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"repositories\"],\"properties\":{\"success\":{\"const\":"
                                          "true},\"repositories\":{\"type\":\"array\"}}}";

static const char status_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"repositories\",\"deployments\",\"flows\"],\"properties\":{"
                                    "\"repositories\":{\"type\":\"array\"},"
                                    "\"deployments\":{\"type\":\"array\"},\"flows\":{\"type\":\"array\"}}}";

static const char started_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\",\"url\",\"port\",\"pid\",\"repoId\"],\"properties\":{\"url\":{\"type\":\"string\"},"
    "\"port\":{\"type\":\"integer\"},\"pid\":{\"type\":\"integer\"},\"repoId\":{\"type\":\"integer\"}}}";

static const char message_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{\"message\":{\"type\":\"string\"}}}";

static const char changes_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"changes\"],\"properties\":{\"changes\":{\"type\":\"object\","
                                     "\"required\":[\"modified\",\"added\","
                                     "\"deleted\",\"untracked\"]}}}";

static const char diff_schema[] = "{\"type\":\"object\",\"required\":[\"success\",\"diff\"],\"properties\":{\"diff\":{\"type\":\"string\"}}}";

/* Text, so that an id that is no number finds nothing instead of being a fault of its own. */
static const bp_param path_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("repoId"), .doc = BP_STR("the repository")},
};

#define POLICY .facts = facts_action, .policy = BP_STR("vscode")
#define BODY .body_schema = BP_STR(body_schema), .flags = BP_ROUTE_OPTIONAL_BODY

const bp_route vscode_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/vscode/changes/{repoId}", "get_changes", "Files changed in a repository"), .params = BP_ARRAY(path_params),
     .response_schema = BP_STR(changes_schema), .timeout_ms = 60000, .handle = vscode_changes},
    {KIT_ROUTE("POST", "/api/vscode/cleanup", "clean_up_editors", "Bring what the registry says in line with what runs"), BODY,
     .response_schema = BP_STR(message_schema), .handle = vscode_cleanup, POLICY},
    {KIT_ROUTE("POST", "/api/vscode/diff", "get_diff", "How one file has changed"), .body_schema = BP_STR(body_schema),
     .flags = BP_ROUTE_OPTIONAL_BODY | BP_ROUTE_READ_ONLY, .response_schema = BP_STR(diff_schema), .timeout_ms = 60000, .handle = vscode_diff},
    {KIT_ROUTE("GET", "/api/vscode/list", "list_editors", "The repositories, with counts of what has changed in those under git"),
     .response_schema = BP_STR(repositories_schema), .timeout_ms = 60000, .handle = vscode_list},
    {KIT_ROUTE("POST", "/api/vscode/start", "start_editor", "Start code-server on a repository; answered when it is ready"), BODY,
     .response_schema = BP_STR(started_schema), .timeout_ms = START_TIMEOUT_MS, .handle = vscode_start, POLICY},
    {KIT_ROUTE("GET", "/api/vscode/status", "get_editor_status", "Repositories, deployments and flows in one answer"),
     .response_schema = BP_STR(status_schema), .handle = vscode_status},
    {KIT_ROUTE("POST", "/api/vscode/stop", "stop_editor", "Stop code-server of a repository; answered when it has ended"), BODY,
     .response_schema = BP_STR(message_schema), .handle = vscode_stop, POLICY},
};
