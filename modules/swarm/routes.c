/* The route table: where each URL of this module is answered. */
#include "swarm.h"

static const char session_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"prompt\",\"agentCount\",\"status\",\"todos\",\"agents\",\"createdAt\"],\"properties\":{\"id\":{"
    "\"type\":\"string\"},\"prompt\":{\"type\":\"string\"},\"agentCount\":{\"type\":\"integer\"},\"status\":{\"enum\":[\"decomposing\",\"running\","
    "\"completed\",\"failed\"]},\"todos\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"description\",\"status\","
    "\"assignedTo\"],\"properties\":{\"status\":{\"enum\":[\"pending\",\"assigned\",\"completed\"]}}}},\"agents\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"id\",\"sessionId\",\"status\",\"currentTaskId\"],\"properties\":{\"status\":{\"enum\":[\"booting\","
    "\"working\",\"idle\",\"terminated\"]}}}},\"createdAt\":{\"type\":\"integer\"}}}";
static const char created_schema[] = "{\"type\":\"object\",\"required\":[\"sessionId\"],\"properties\":{\"sessionId\":{\"type\":\"string\"}}}";
static const char list_schema[] = "{\"type\":\"object\",\"required\":[\"sessions\",\"count\"],\"properties\":{\"sessions\":{\"type\":\"array\"}}}";
static const char events_schema[] =
    "{\"type\":\"object\",\"required\":[\"events\",\"count\"],\"properties\":{\"events\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"required\":[\"id\",\"event\",\"data\",\"timestamp\"]}},\"next\":{\"type\":\"integer\"}}}";
/* The clients know sentences for what is wrong in it, so the handler looks. */
static const char any_schema[] = "{}";

#define PARAM(place, kind, word, text) .size = sizeof(bp_param), .in = (place), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text)
#define ID                                                                                                                                           \
  { PARAM(BP_IN_PATH, BP_PARAM_STRING, "id", "the session"), .required = 1 }

static const bp_param id_params[] = {ID};
static const bp_param list_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "status", "only these"), .pattern = BP_STR("^(decomposing|running|completed|failed)$")},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "sessions at most"), .def = BP_STR("50"), .minimum = 1, .maximum = 200},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "offset", "sessions to pass over"), .def = BP_STR("0"), .minimum = 0, .maximum = 1000000000},
};
static const bp_param event_params[] = {
    ID,
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "after", "the \"next\" of the page before"), .def = BP_STR("0"), .minimum = 0, .maximum = INT64_MAX},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "events at most"), .def = BP_STR("100"), .minimum = 1, .maximum = 1000},
};

#define PROMPT_BYTES (256u * 1024)
#define POLICY .policy = BP_STR("swarm")

const bp_route swarm_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("POST", "/api/sessions", "create_session", "Decompose a prompt and let agents work on it"), .flags = BP_ROUTE_OPTIONAL_BODY,
     .body_schema = BP_STR(any_schema), .response_schema = BP_STR(created_schema), .success_status = 201, .timeout_ms = 280000,
     .body_limit_bytes = PROMPT_BYTES, .handle = sessions_create, .facts = facts_create, POLICY},
    {KIT_ROUTE("GET", "/api/sessions", "list_sessions", "Sessions, the newest first"), .params = BP_ARRAY(list_params),
     .response_schema = BP_STR(list_schema), .handle = sessions_list},
    {KIT_ROUTE("GET", "/api/sessions/{id}", "get_session", "A session with its todos and agents"), .params = BP_ARRAY(id_params),
     .response_schema = BP_STR(session_schema), .handle = sessions_get},
    {KIT_ROUTE("DELETE", "/api/sessions/{id}", "abort_session", "Kill a session's workers; it has failed then"), .params = BP_ARRAY(id_params),
     .response_schema = BP_STR(session_schema), .handle = sessions_delete, .facts = facts_abort, POLICY},
    {KIT_ROUTE("GET", "/api/sessions/{id}/events", "list_session_events", "What happened in a session, the oldest first"),
     .params = BP_ARRAY(event_params), .response_schema = BP_STR(events_schema), .handle = sessions_events},
};
