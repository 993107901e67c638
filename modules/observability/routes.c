/* The route table: where each URL of this family is answered. Handlers live in the file of their concept. */
#include "observability.h"

#define EVENTS_BODY_LIMIT (16u * 1024 * 1024)
#define EVENTS_KEY_LIMIT 65536u

#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"

static const char event_schema[] =
    "{\"type\":\"object\",\"required\":[\"event_type\",\"session_id\",\"session_name\",\"timestamp\"],\"properties\":{"
    "\"event_type\":{\"type\":\"string\",\"description\":\"session_start, pre_tool, post_tool, session_stop, message, or any other word\"},"
    "\"session_id\":{\"type\":\"string\"},\"session_name\":{\"type\":\"string\"},\"timestamp\":{\"type\":\"string\"},"
    "\"tool_name\":" TEXT_OR_NULL ",\"tool_input\":{\"type\":[\"object\",\"null\"]},\"tool_output\":{},\"error\":" TEXT_OR_NULL ","
    "\"exit_code\":{\"type\":[\"integer\",\"null\"]},\"reason\":" TEXT_OR_NULL ",\"role\":" TEXT_OR_NULL ","
    "\"content\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"object\"}},"
    "\"pid\":{\"type\":[\"integer\",\"null\"],\"description\":\"process of the session; stop works on it\"}}}";

static const char session_schema[] =
    "{\"type\":\"object\",\"required\":[\"session_id\",\"session_name\"],\"properties\":{\"session_id\":{\"type\":\"string\",\"minLength\":1},"
    "\"session_name\":{\"type\":\"string\"},\"project_dir\":" TEXT_OR_NULL ",\"agent_name\":" TEXT_OR_NULL "}}";

static const char metadata_schema[] =
    "{\"type\":\"object\",\"properties\":{\"session_name\":" TEXT_OR_NULL ",\"project_dir\":" TEXT_OR_NULL ",\"agent_name\":" TEXT_OR_NULL "}}";

static const char ok_schema[] = "{\"type\":\"object\",\"required\":[\"ok\"],\"properties\":{\"ok\":{\"const\":true}}}";
static const char sessions_schema[] =
    "{\"type\":\"object\",\"required\":[\"sessions\"],\"properties\":{\"sessions\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/session\"}},"
    "\"next\":{\"type\":\"string\"}},\"$defs\":{\"session\":{\"type\":\"object\",\"required\":[\"session_id\",\"session_name\",\"status\","
    "\"created_at\",\"modified_at\",\"project_dir\",\"agent_name\"],\"properties\":{\"status\":{\"enum\":[\"running\",\"finished\",\"stopped\"]}}}}}";
static const char events_schema[] =
    "{\"type\":\"object\",\"required\":[\"events\"],\"properties\":{\"events\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\"}},\"next\":{\"type\":\"integer\"}}}";

/* Session ids are whatever an agent's program says: they may hold a slash, sent as %2F. */
#define SESSION_PARAM                                                                                                                                \
  {                                                                                                                                                  \
    .size = sizeof(bp_param), .in = BP_IN_PATH, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("session_id"),                                \
    .doc = BP_STR("the session; a slash in it is sent as %2F"), .flags = BP_PARAM_SLASH                                                              \
  }

static const bp_param session_params[] = {SESSION_PARAM};

static const bp_param event_list_params[] = {
    SESSION_PARAM,
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("after"),
     .doc = BP_STR("id of the last event seen"),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("events in one answer; 100 if absent"),
     .minimum = 1,
     .maximum = 1000},
};

static const bp_param tree_params[] = {
    SESSION_PARAM,
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("nodes in the answer, the oldest first; \"truncated\" says that there are more"),
     .def = BP_STR("1000"),
     .minimum = 1,
     .maximum = 5000},
};

static const bp_param session_list_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .name = BP_STR("after"),
     .doc = BP_STR("session_id of the last session seen")},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("sessions in one answer"),
     .minimum = 1,
     .maximum = 9999},
};

static const bp_param search_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("q"),
     .doc = BP_STR("words that must occur; a trailing * matches a prefix"),
     .minimum = 1,
     .maximum = 1000},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("events in one answer"),
     .def = BP_STR("50"),
     .minimum = 1,
     .maximum = 100},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("offset"),
     .doc = BP_STR("hits to skip"),
     .def = BP_STR("0"),
     .minimum = 0,
     .maximum = 100000},
};

static const bp_param view_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("from"),
     .doc = BP_STR("replay what came after this live sequence"),
     .minimum = 0,
     .maximum = INT64_MAX},
};

#define POLICY .policy = BP_STR("validation")

const bp_route observability_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("POST", "/events", "post_event", "Store an event and tell everybody who watches"), .body_schema = BP_STR(event_schema),
     .response_schema = BP_STR(ok_schema), .body_limit_bytes = EVENTS_BODY_LIMIT, .key_limit = EVENTS_KEY_LIMIT, .handle = events_post,
     .facts = facts_event, POLICY},
    {KIT_ROUTE("GET", "/events", "search_events", "Search the text of all events"), .flags = BP_ROUTE_MCP_TOOL, .params = BP_ARRAY(search_params),
     .response_schema = BP_STR(events_schema), .handle = events_search},
    {KIT_ROUTE("GET", "/events/{session_id}", "list_events", "Events of a session, oldest first"), .params = BP_ARRAY(event_list_params),
     .response_schema = BP_STR(events_schema), .handle = events_list},
    {KIT_ROUTE("GET", "/sessions", "list_sessions", "All sessions, newest first"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(session_list_params), .response_schema = BP_STR(sessions_schema), .handle = sessions_list},
    {KIT_ROUTE("POST", "/sessions", "create_session", "Create a running session"), .body_schema = BP_STR(session_schema), .handle = sessions_create,
     .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", "/sessions/{session_id}", "get_session", "One session"), .params = BP_ARRAY(session_params), .handle = sessions_get},
    {KIT_ROUTE("DELETE", "/sessions/{session_id}", "delete_session", "Delete a session and its events"), .params = BP_ARRAY(session_params),
     .handle = sessions_delete, .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", "/sessions/{session_id}/events", "list_session_events", "Events of a session, oldest first"),
     .params = BP_ARRAY(event_list_params), .response_schema = BP_STR(events_schema), .handle = events_list},
    {KIT_ROUTE("POST", "/sessions/{session_id}/events", "post_session_event", "Store an event of a known session"),
     .params = BP_ARRAY(session_params), .body_schema = BP_STR(event_schema), .response_schema = BP_STR(ok_schema),
     .body_limit_bytes = EVENTS_BODY_LIMIT, .key_limit = EVENTS_KEY_LIMIT, .handle = events_post_to_session, .facts = facts_event, POLICY},
    {KIT_ROUTE("PATCH", "/sessions/{session_id}/metadata", "patch_session_metadata", "Change name, project folder or agent of a session"),
     .params = BP_ARRAY(session_params), .body_schema = BP_STR(metadata_schema), .handle = sessions_patch_metadata, .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", "/sessions/{session_id}/result", "get_session_result", "Text of the last assistant message of a finished session"),
     .flags = BP_ROUTE_MCP_TOOL, .params = BP_ARRAY(session_params), .handle = sessions_result},
    {KIT_ROUTE("GET", "/sessions/{session_id}/status", "get_session_status", "running, finished or not_existent"), .params = BP_ARRAY(session_params),
     .handle = sessions_status},
    {KIT_ROUTE("POST", "/sessions/{session_id}/stop", "stop_session", "Stop a session"), .params = BP_ARRAY(session_params), .handle = sessions_stop,
     .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", "/sessions/{session_id}/tree", "get_session_tree", "Agents, tasks, turns and processes of a session with what they used"),
     .flags = BP_ROUTE_MCP_TOOL, .params = BP_ARRAY(tree_params), .handle = timeline_tree},
    {KIT_ROUTE("GET", "/ws", "watch", "WebSocket: all sessions, then everything that happens"), .flags = BP_ROUTE_WEBSOCKET,
     .params = BP_ARRAY(view_params), .handle = view_connect},
};
