/* The route table: where each URL of this module is answered. */
#include "system.h"

static const char stats_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"timestamp\",\"system\",\"cpu\",\"memory\",\"disk\",\"loadAverage\"],\"properties\":{"
    "\"cpu\":{\"type\":\"object\",\"required\":[\"usage\",\"cores\",\"model\"],\"properties\":{\"usage\":{\"type\":\"number\",\"minimum\":0,"
    "\"maximum\":100},\"cores\":{\"type\":\"integer\"}}},\"loadAverage\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}}";

static const bp_param history_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("the newest so many samples"),
     .minimum = 1,
     .maximum = HISTORY_MOST},
};

const bp_route system_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/system-stats", "get_system_stats", "Processor, memory, disk, load, network and pressure now"), .flags = BP_ROUTE_MCP_TOOL,
     .response_schema = BP_STR(stats_schema), .handle = system_stats},
    {KIT_ROUTE("GET", "/api/system-stats/history", "get_system_history", "Small samples of the last hour, oldest first"),
     .params = BP_ARRAY(history_params), .handle = system_history},
    {KIT_ROUTE("GET", "/api/system-stats/processes", "get_system_processes", "Everything the host supervises, with the processes below it"),
     .handle = system_processes},
};
