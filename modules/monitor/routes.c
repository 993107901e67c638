/* The route table: where each URL of this module is answered. Everything only reads; /api/v1/ is the newer name of the same. */
#include "monitor.h"

static const char agents_schema[] = "{\"type\":\"object\",\"required\":[\"session_name\",\"updated_at\",\"agents\"],\"properties\":{\"agents\":{"
                                    "\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}";
static const char locks_schema[] = "{\"type\":\"object\",\"required\":[\"locks\",\"count\"],\"properties\":{\"locks\":{\"type\":\"array\",\"items\":{"
                                   "\"type\":\"object\",\"required\":[\"lock_file\"]}},\"count\":{\"type\":\"integer\"}}}";
static const char messages_schema[] =
    "{\"type\":\"object\",\"required\":[\"messages\",\"count\"],\"properties\":{\"messages\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    "\"count\":{\"type\":\"integer\"},\"limit\":{\"type\":\"integer\"},\"next\":{\"type\":\"integer\"}}}";
static const char stats_schema[] =
    "{\"type\":\"object\",\"required\":[\"agent_count\",\"lock_count\",\"message_count\",\"message_types\",\"latest_activity\",\"session_name\","
    "\"updated_at\"],\"properties\":{\"agent_count\":{\"type\":\"integer\"},\"lock_count\":{\"type\":\"integer\"},\"message_count\":{\"type\":"
    "\"integer\"},\"message_types\":{\"type\":\"object\"}}}";
static const char health_schema[] = "{\"type\":\"object\",\"required\":[\"status\",\"timestamp\",\"files\"],\"properties\":{\"status\":{\"const\":"
                                    "\"healthy\"},\"timestamp\":{\"type\":\"string\"},\"files\":{\"type\":\"object\"}}}";

#define PARAM(place, kind, word, text) .size = sizeof(bp_param), .in = (place), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text)

static const bp_param message_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "lines to look at, 1 to 1000; more is 1000, less is 50"), .def = BP_STR("50")},
};
static const bp_param history_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "messages of a page"), .def = BP_STR("50"), .minimum = 1, .maximum = 1000},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "before", "the \"next\" of the page before"), .minimum = 1, .maximum = INT64_MAX},
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "sender", "only of this sender")},
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "msg_type", "only of this type")},
};
static const bp_param search_params[] = {
    {PARAM(BP_IN_QUERY, BP_PARAM_STRING, "q", "words that all must occur; a trailing * matches a prefix"), .required = 1, .minimum = 1,
     .maximum = 1000},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "limit", "messages at most"), .def = BP_STR("50"), .minimum = 1, .maximum = 100},
    {PARAM(BP_IN_QUERY, BP_PARAM_INTEGER, "offset", "messages to pass over"), .def = BP_STR("0"), .minimum = 0, .maximum = 1000000},
};
static const bp_param path_params[] = {
    {PARAM(BP_IN_PATH, BP_PARAM_STRING, "path", "a file of static_dir"), .required = 1},
};

/* The same under its plain and its newer path. */
#define BOTH(path, id, text, ...)                                                                                                                    \
  {KIT_ROUTE("GET", "/api" path, id, text), __VA_ARGS__}, {                                                                                          \
    KIT_ROUTE("GET", "/api/v1" path, id "_v1", text), __VA_ARGS__                                                                                    \
  }

const bp_route monitor_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/", "dashboard", "The dashboard"), .scope = BP_STR("public"), .handle = page_dashboard},
    {KIT_ROUTE("GET", "/static/{path*}", "static_file", "Files of the dashboard"), .params = BP_ARRAY(path_params), .handle = page_static},
    {KIT_ROUTE("GET", "/health", "health_check", "Is the service up, and which files are there"), .scope = BP_STR("public"),
     .response_schema = BP_STR(health_schema), .handle = answer_health},
    BOTH("/agents", "get_agents", "The agents of the present session", .response_schema = BP_STR(agents_schema), .handle = answer_agents),
    BOTH("/locks", "get_locks", "The files that are locked", .response_schema = BP_STR(locks_schema), .handle = answer_locks),
    BOTH("/messages", "get_messages", "The last messages between agents", .params = BP_ARRAY(message_params),
         .response_schema = BP_STR(messages_schema), .handle = answer_messages),
    BOTH("/messages/history", "list_history", "All stored messages, newest first", .params = BP_ARRAY(history_params),
         .response_schema = BP_STR(messages_schema), .handle = history_list),
    BOTH("/messages/search", "search_messages", "Stored messages with these words", .params = BP_ARRAY(search_params),
         .response_schema = BP_STR(messages_schema), .handle = history_search),
    BOTH("/stats", "get_stats", "Counts of agents, locks and messages", .response_schema = BP_STR(stats_schema), .handle = answer_stats),
    BOTH("/stream", "stream_updates", "What changes, as an event stream", .handle = stream_open),
};
