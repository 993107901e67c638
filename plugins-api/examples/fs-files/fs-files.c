/* Example: a folder over HTTP (bp.fs/1).
 *
 *   GET  /files?path=sub      ->   {"entries": [{"name": "a.txt", "kind": "file", "bytes": 3}], "total": 1}
 *   GET  /file?path=a.txt     ->   the file, with ranges and ETag
 *   POST /file {"path": "a.txt", "text": "..."}   ->   201
 *
 * The option `root` names the folder. Paths are checked by the host: nothing outside it can be reached. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_config_1 *config;
  const bp_fs_1 *fs;
  const bp_http_1 *http;
  const bp_json_1 *json;
  bp_root root;
} files;

/* A request that waits for the end of its operation. */
struct call {
  bp_request request;
};

static struct call *defer(bp_request request) {
  struct call *call = malloc(sizeof(*call));
  if (call && files.http->defer(request, NULL, NULL) == BP_OK) {
    call->request = request;
    return call;
  }
  free(call);
  files.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
  return NULL;
}

/* An operation that was not taken has no end: answered here. */
static void answer_refusal(struct call *call, bp_status status) {
  if (status == BP_OK)
    return;
  files.http->reply_failure(call->request, status, NULL);
  free(call);
}

static void put_entry(bp_json_writer out, const bp_fs_entry *entry) {
  static const char *const kinds[] = {"other", "file", "folder", "link"};
  const char *kind = kinds[entry->kind < 4 ? entry->kind : 0];
  files.json->object_begin(out);
  files.json->key(out, BP_LIT("name"));
  files.json->put_string(out, entry->name);
  files.json->key(out, BP_LIT("kind"));
  files.json->put_string(out, bp_str_make(kind, __builtin_strlen(kind)));
  files.json->key(out, BP_LIT("bytes"));
  files.json->put_integer(out, (int64_t)entry->bytes);
  files.json->object_end(out);
}

static void on_listed(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  bp_json_writer out = 0;
  bp_status status = result->status == BP_OK ? files.json->writer_new(files.self, &out) : result->status;
  if (status != BP_OK) {
    files.http->reply_failure(call->request, status, result->error);
    free(call);
    return;
  }
  files.json->object_begin(out);
  files.json->key(out, BP_LIT("entries"));
  files.json->array_begin(out);
  for (uint32_t i = 0; i < result->entries.count; i++)
    put_entry(out, (const bp_fs_entry *)((const char *)result->entries.ptr + (size_t)i * result->entries.stride));
  files.json->array_end(out);
  files.json->key(out, BP_LIT("total"));
  files.json->put_integer(out, (int64_t)result->total);
  files.json->object_end(out);
  files.http->reply_json(call->request, 200, out);
  files.json->writer_free(out);
  free(call);
}

static bp_str path_of(bp_request request) {
  bp_str path = BP_STR("");
  files.http->param(request, BP_LIT("path"), &path);
  return path;
}

static void get_files(void *state, bp_request request) {
  (void)state;
  struct call *call = defer(request);
  if (call)
    answer_refusal(call, files.fs->list(files.root, path_of(request), BP_LIT(""), 0, 0, 1000, on_listed, call));
}

static void get_file(void *state, bp_request request) {
  /* Whatever it is, it comes as a download: a page from this folder must not run as ours. */
  const bp_file_reply options = {.size = sizeof(options), .flags = BP_FILE_ATTACHMENT, .content_type = BP_LIT("application/octet-stream")};
  (void)state;
  bp_status status = files.fs->send(request, files.root, path_of(request), &options);
  if (status != BP_OK)
    files.http->reply_failure(request, status, NULL);
}

static void on_written(void *ctx, const bp_fs_result *result) {
  struct call *call = ctx;
  if (result->status == BP_OK)
    files.http->reply_empty(call->request, 201);
  else
    files.http->reply_failure(call->request, result->status, result->error);
  free(call);
}

static void post_file(void *state, bp_request request) {
  bp_json body = 0, value = 0;
  bp_str path = BP_STR(""), text = BP_STR("");
  (void)state;
  files.http->body(request, &body); /* the schema was checked: both members are strings */
  files.json->get(body, BP_LIT("path"), &value);
  files.json->string(value, &path);
  files.json->get(body, BP_LIT("text"), &value);
  files.json->string(value, &text);
  struct call *call = defer(request);
  if (call)
    answer_refusal(call, files.fs->write(files.root, path, text, BP_FS_OVERWRITE | BP_FS_PARENTS, on_written, call));
}

static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .name = BP_STR("path"), .doc = BP_STR("Below the root.")},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/files"),
     .operation_id = BP_STR("list_files"),
     .summary = BP_STR("The entries of a folder"),
     .params = BP_ARRAY(params),
     .handle = get_files},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/file"),
     .operation_id = BP_STR("get_file"),
     .summary = BP_STR("A file"),
     .params = BP_ARRAY(params),
     .handle = get_file},
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/file"),
     .operation_id = BP_STR("write_file"),
     .summary = BP_STR("Write a text file"),
     .body_schema = BP_STR("{\"type\":\"object\",\"required\":[\"path\",\"text\"],\"properties\":{\"path\":{\"type\":\"string\"},"
                           "\"text\":{\"type\":\"string\"}}}"),
     .success_status = 201,
     .handle = post_file,
     .policy = BP_STR("none")},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("fs-files"),
     .title = BP_STR("Example of bp.fs/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_option options[] = {
    {.size = sizeof(bp_option), .type = BP_OPTION_STRING, .name = BP_STR("root"), .doc = BP_STR("The folder that is served."), .maximum = 4000},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CONFIG_1), sizeof(bp_config_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_FS_1), sizeof(bp_fs_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  bp_str root = BP_STR("");
  files.self = self;
  files.config = host->get(self, BP_LIT(BP_CONFIG_1));
  files.fs = host->get(self, BP_LIT(BP_FS_1));
  files.http = host->get(self, BP_LIT(BP_HTTP_1));
  files.json = host->get(self, BP_LIT(BP_JSON_1));
  *ret_state = &files;
  files.config->string(self, BP_LIT("root"), &root);
  return files.fs->root_open(self, root, BP_ROOT_SINGLE_LINK, &files.root, err);
}

static void destroy(void *state) {
  (void)state; /* the state is static; the root was closed by the host */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.fs-files"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Serves one folder."),
    .family = BP_STR("fs-files"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
