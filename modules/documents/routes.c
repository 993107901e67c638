/* The route table: where each URL of this family is answered. Handlers live in the file of their concept. */
#include "documents.h"

#define UPLOAD_LIMIT_BYTES (1024ull * 1024 * 1024)

static const char document_schema[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"filename\",\"content_type\",\"size_bytes\",\"created_at\",\"updated_at\",\"tags\",\"metadata\","
    "\"url\"],\"properties\":{\"id\":{\"type\":\"string\"},\"size_bytes\":{\"type\":\"integer\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"string\"}},\"metadata\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}}}";

static const char patch_schema[] =
    "{\"type\":\"object\",\"properties\":{\"tags\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\",\"maxLength\":200},\"maxItems\":64},"
    "\"description\":{\"type\":[\"string\",\"null\"]}}}";

static const bp_param id_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("document_id"),
     .doc = BP_STR("the document")},
};

static const bp_param upload_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_FILE,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("file"),
     .doc = BP_STR("the document; may be empty")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("tags"), .doc = BP_STR("tags separated by commas")},
    {.size = sizeof(bp_param), .in = BP_IN_FORM, .type = BP_PARAM_STRING, .name = BP_STR("metadata"), .doc = BP_STR("a JSON object of strings")},
};

static const bp_param list_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("filename"), .doc = BP_STR("part of the file name")},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .name = BP_STR("tags"),
     .doc = BP_STR("tags separated by commas; all must be there")},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_STRING,
     .name = BP_STR("q"),
     .doc = BP_STR("words that must occur in name, tags, description or text; best first; excludes the other filters"),
     .minimum = 1,
     .maximum = 1000},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("limit"),
     .doc = BP_STR("documents in one answer, at most 10000"),
     .def = BP_STR("100"),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.size = sizeof(bp_param),
     .in = BP_IN_QUERY,
     .type = BP_PARAM_INTEGER,
     .name = BP_STR("offset"),
     .doc = BP_STR("documents to skip"),
     .def = BP_STR("0"),
     .minimum = 0,
     .maximum = INT32_MAX},
};

#define POLICY .policy = BP_STR("validation")

const bp_route documents_routes[ROUTE_COUNT] = {
    {KIT_ROUTE("GET", "/health", "get_health", "Is the service up"), .scope = BP_STR("public"), .handle = documents_health},
    {KIT_ROUTE("GET", "/documents", "list_documents", "Documents by name, tags or text, newest first"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(list_params), .handle = documents_list},
    {KIT_ROUTE("POST", "/documents", "upload_document", "Store a document"), .flags = BP_ROUTE_UPLOAD, .params = BP_ARRAY(upload_params),
     .response_schema = BP_STR(document_schema), .body_limit_bytes = UPLOAD_LIMIT_BYTES, .timeout_ms = 120000, .success_status = 201,
     .handle = documents_upload, .facts = facts_upload, POLICY},
    {KIT_ROUTE("GET", "/documents/tags", "list_tags", "All tags with the number of documents that carry them"), .handle = documents_tags},
    {KIT_ROUTE("GET", "/documents/{document_id}", "download_document", "The document's bytes; ranges are supported"), .params = BP_ARRAY(id_params),
     .handle = documents_download},
    {KIT_ROUTE("PATCH", "/documents/{document_id}", "patch_document", "Change tags and description"), .params = BP_ARRAY(id_params),
     .body_schema = BP_STR(patch_schema), .response_schema = BP_STR(document_schema), .handle = documents_patch, .facts = facts_document, POLICY},
    {KIT_ROUTE("DELETE", "/documents/{document_id}", "delete_document", "Delete a document"), .params = BP_ARRAY(id_params),
     .handle = documents_delete, .facts = facts_document, POLICY},
    {KIT_ROUTE("GET", "/documents/{document_id}/metadata", "get_document_metadata", "What is known of a document"), .flags = BP_ROUTE_MCP_TOOL,
     .params = BP_ARRAY(id_params), .response_schema = BP_STR(document_schema), .handle = documents_get_metadata},
};
