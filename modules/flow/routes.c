/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "flow.h"

#define SESSION_BYTES (256ull * 1024)

/* Bodies are looked at by the handlers, because clients know their sentences. */
static const char any_schema[] = "{}";
static const char session_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"session\"],\"properties\":{\"success\":{\"const\":true},\"session\":{\"type\":\"object\","
    "\"required\":[\"id\",\"status\",\"prompt\",\"title\",\"output\",\"userId\",\"createdAt\",\"updatedAt\"],\"properties\":{\"id\":{\"type\":"
    "\"integer\"}}}}}";
static const char message_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{\"success\":{\"const\":true},\"message\":{\"type\":\"object\","
    "\"required\":[\"id\",\"sessionId\",\"role\",\"content\",\"toolResults\",\"createdAt\"],\"properties\":{\"id\":{\"type\":\"string\"},"
    "\"sessionId\":{\"type\":\"integer\"},\"toolResults\":{\"type\":\"array\"}}}}}";
static const char sentence_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"message\"],\"properties\":{\"success\":{\"const\":true},\"message\":{\"type\":\"string\"}}}";
static const char list_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"count\"],\"properties\":{\"success\":{\"const\":true},\"count\":{\"type\":\"integer\"}}}";
static const char settings_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"settings\"],\"properties\":{\"success\":{\"const\":true},\"settings\":{\"type\":\"object\","
    "\"required\":[\"model\",\"maxTokens\",\"temperature\"]}}}";

#define PARAM(place, kind, word, text) .size = sizeof(bp_param), .in = (place), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text)

/* Text, so that an id that is no number finds nothing instead of being a fault of its own. */
static const bp_param id_params[] = {{PARAM(BP_IN_PATH, BP_PARAM_STRING, "id", "the session, or the message"), .required = 1}};
static const bp_param list_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "limit", "sessions at most; 50")},
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "userId", "only of this user")},
};
static const bp_param message_params[] = {{PARAM(BP_IN_QUERY, BP_PARAM_STRING, "sessionId", "the session")}};
static const bp_param search_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "q", "words that all must occur; a trailing * matches a prefix"), .required = 1, .minimum = 1,
     .maximum = 1000},
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "sessionId", "only of this session")},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "messages at most"), .def = BP_STR("50"), .minimum = 1, .maximum = 100},
};

#define BASE "/api/flow-builder"
#define POLICY .policy = BP_STR("flow")
#define BODY .body_schema = BP_STR(any_schema), .flags = BP_ROUTE_OPTIONAL_BODY
#define ANSWER(schema) .response_schema = BP_STR(schema)
#define ID .params = BP_ARRAY(id_params)

const bp_route flow_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", BASE "/sessions", "list_flow_sessions", "Sessions, the newest first"), .params = BP_ARRAY(list_params), ANSWER(list_schema),
     .handle = sessions_list},
    {KIT_ROUTE("POST", BASE "/sessions", "create_flow_session", "A new session"), BODY, .body_limit_bytes = SESSION_BYTES, ANSWER(session_schema),
     .handle = sessions_create, .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", BASE "/sessions/{id}", "get_flow_session", "One session"), ID, ANSWER(session_schema), .handle = sessions_get},
    {KIT_ROUTE("PATCH", BASE "/sessions/{id}", "update_flow_session", "Give a session another title"), ID, BODY, .body_limit_bytes = SESSION_BYTES,
     ANSWER(sentence_schema), .handle = sessions_update, .facts = facts_session, POLICY},
    {KIT_ROUTE("DELETE", BASE "/sessions/{id}", "delete_flow_session", "Delete a session and its messages"), ID, ANSWER(sentence_schema),
     .handle = sessions_delete, .facts = facts_session, POLICY},
    {KIT_ROUTE("POST", BASE "/sessions/{id}/archive", "archive_flow_session", "Archive a session"), ID, BODY, ANSWER(sentence_schema),
     .handle = sessions_archive, .facts = facts_session, POLICY},
    {KIT_ROUTE("GET", BASE "/sessions/{id}/export", "export_flow_session", "A session with its messages, as a file"), ID, ANSWER(session_schema),
     .handle = sessions_export},
    {KIT_ROUTE("GET", BASE "/messages", "list_flow_messages", "The messages of a session, the oldest first"), .params = BP_ARRAY(message_params),
     ANSWER(list_schema), .handle = messages_list},
    {KIT_ROUTE("POST", BASE "/messages", "create_flow_message", "Add a message; a user's is answered by the agent, if one is configured"), BODY,
     ANSWER(message_schema), .handle = messages_create, .facts = facts_message, POLICY},
    {KIT_ROUTE("GET", BASE "/messages/search", "search_flow_messages", "Messages with these words, the best first"),
     .params = BP_ARRAY(search_params), ANSWER(list_schema), .handle = messages_search},
    {KIT_ROUTE("GET", BASE "/messages/{id}", "get_flow_message", "One message"), ID, ANSWER(message_schema), .handle = messages_get},
    {KIT_ROUTE("GET", BASE "/settings", "get_flow_settings", "The settings"), ANSWER(settings_schema), .handle = settings_get},
    {KIT_ROUTE("POST", BASE "/settings", "change_flow_settings", "Change settings; what is not sent stays"), BODY, ANSWER(settings_schema),
     .handle = settings_change, .facts = facts_settings, POLICY},
};
