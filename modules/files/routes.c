/* The route table: where each URL of this module is answered. Handlers live in the file of their concept. */
#include "files.h"

#define UPLOAD_LIMIT_BYTES (4ull * 1024 * 1024 * 1024)

/* What is in the body is checked by order.c, because clients know its sentences. */
static const char body_schema[] = "{\"type\":\"object\"}";

static const char list_schema[] =
    "{\"type\":\"object\",\"required\":[\"success\",\"items\",\"files\",\"currentPath\",\"showHidden\"],\"properties\":{\"items\":{\"type\":"
    "\"array\","
    "\"items\":{\"type\":\"object\",\"required\":[\"id\",\"name\",\"type\",\"size\",\"modified\",\"path\"],\"properties\":{\"type\":{\"enum\":["
    "\"folder\",\"file\"]},\"size\":{\"type\":\"integer\"}}}},\"showHidden\":{\"type\":\"boolean\"}}}";

#define QUERY(word, kind, text) .size = sizeof(bp_param), .in = BP_IN_QUERY, .type = (kind), .name = BP_STR(word), .doc = BP_STR(text)

static const bp_param list_params[] = {
    {QUERY("path", BP_PARAM_STRING, "the folder, from the root"), .def = BP_STR("/")},
    {QUERY("showHidden", BP_PARAM_STRING, "true: also entries that begin with a dot; empty: as the option show_hidden")},
    {QUERY("pattern", BP_PARAM_STRING, "a glob on the name; without any of *?[ a part of it")},
    {QUERY("offset", BP_PARAM_INTEGER, "entries to skip"), .minimum = 0, .maximum = INT32_MAX},
    {QUERY("limit", BP_PARAM_INTEGER, "entries in one answer"), .minimum = 1, .maximum = 10000},
    {QUERY("read", BP_PARAM_BOOLEAN, "the file's bytes, as GET /api/files/read")},
    {QUERY("download", BP_PARAM_BOOLEAN, "with read: as an attachment")},
};

static const bp_param read_params[] = {
    {QUERY("path", BP_PARAM_STRING, "the file, from the root"), .required = 1},
    {QUERY("download", BP_PARAM_BOOLEAN, "as an attachment")},
};

static const bp_param upload_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_FILE, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("file"), .doc = BP_STR("one or more files")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("path"), .doc = BP_STR("the folder; made if missing")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_BOOLEAN, .name = BP_STR("overwrite"), .doc = BP_STR("replace what is there")},
};

#define POLICY .policy = BP_STR("files")

const bp_route files_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/api/files", "list_files", "The entries of a folder, folders first"), .flags = BP_ROUTE_QUERY_ONCE,
     .params = BP_ARRAY(list_params), .response_schema = BP_STR(list_schema), .handle = files_list},
    {KIT_ROUTE("POST", "/api/files", "change_files", "Create a folder, delete, write, rename, move or copy"), .flags = BP_ROUTE_OPTIONAL_BODY,
     .body_schema = BP_STR(body_schema), .timeout_ms = 300000, .handle = files_change, .facts = facts_change, POLICY},
    {KIT_ROUTE("GET", "/api/files/read", "read_file", "A file's bytes; ranges are supported"), .flags = BP_ROUTE_QUERY_ONCE,
     .params = BP_ARRAY(read_params), .handle = files_read},
    {KIT_ROUTE("POST", "/api/files/upload", "upload_files", "Put files into a folder"), .flags = BP_ROUTE_UPLOAD, .params = BP_ARRAY(upload_params),
     .body_limit_bytes = UPLOAD_LIMIT_BYTES, .timeout_ms = 300000, .handle = files_upload, .facts = facts_upload, POLICY},
};
