/* Example: files in and out of the plugin's own folder (bp.stream/1).
 *
 *   POST /files   multipart/form-data with a part "file"   ->   201 {"name": "<sha256>", "bytes": 5}
 *   GET  /files/{name}                                     ->   the file
 *
 * The host spools, hashes and syncs the file; the name is its digest, so equal files are kept once. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_stream_1 *stream;
} example;

/* A request whose file is on its way into the folder. */
struct keeping {
  bp_request request;
  uint64_t size_bytes;
  char name[65];
};

static void kept(void *ctx, bp_status status, const bp_error *err) {
  struct keeping *keeping = ctx;
  bp_json_writer out = 0;
  if (status != BP_OK && status != BP_E_EXISTS) { /* the same bytes are there already: that is as good */
    example.http->reply_failure(keeping->request, status, err);
  } else if (example.json->writer_new(example.self, &out) != BP_OK) {
    example.http->reply_failure(keeping->request, BP_E_LIMIT, NULL);
  } else {
    example.json->object_begin(out);
    example.json->key(out, BP_LIT("name"));
    example.json->put_string(out, bp_str_make(keeping->name, 64));
    example.json->key(out, BP_LIT("bytes"));
    example.json->put_integer(out, (int64_t)keeping->size_bytes);
    example.json->object_end(out);
    example.http->reply_json(keeping->request, 201, out);
    example.json->writer_free(out);
  }
  free(keeping);
}

static void post_file(void *state, bp_request request) {
  bp_part part = {.size = sizeof(part)};
  struct keeping *keeping = calloc(1, sizeof(*keeping));
  (void)state;
  bp_status status = keeping ? example.stream->part(request, 0, &part) : BP_E_NO_MEMORY;
  if (status == BP_OK) {
    keeping->request = request;
    keeping->size_bytes = part.size_bytes;
    for (int i = 0; i < 64; i++)
      keeping->name[i] = part.sha256_hex[i];
    example.http->defer(request, NULL, NULL);
    status = example.stream->part_keep(request, 0, bp_str_make(keeping->name, 64), kept, keeping);
  }
  if (status != BP_OK) {
    example.http->reply_failure(request, status, NULL);
    free(keeping);
  }
}

static void get_file(void *state, bp_request request) {
  const bp_file_reply options = {.size = sizeof(options), .flags = BP_FILE_ATTACHMENT, .content_type = BP_STR("application/octet-stream")};
  bp_str name = {NULL, 0};
  (void)state;
  example.http->param(request, BP_LIT("name"), &name); /* its pattern was checked: a digest and nothing else */
  example.stream->send_file(request, name, &options);
}

static const bp_param upload_params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_FILE, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("file"), .doc = BP_STR("the file")},
};
static const bp_param file_params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("name"),
     .doc = BP_STR("the digest"),
     .pattern = BP_STR("^[0-9a-f]{64}$")},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/files"),
     .operation_id = BP_STR("post_file"),
     .summary = BP_STR("Keeps a file"),
     .flags = BP_ROUTE_UPLOAD,
     .params = BP_ARRAY(upload_params),
     .body_limit_bytes = 64 * 1024 * 1024,
     .success_status = 201,
     .policy = BP_STR("none"),
     .handle = post_file},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/files/{name}"),
     .operation_id = BP_STR("get_file"),
     .summary = BP_STR("Gives a file back"),
     .params = BP_ARRAY(file_params),
     .handle = get_file},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("drop-box"),
     .title = BP_STR("Example of uploads"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_STREAM_1), sizeof(bp_stream_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  example.stream = host->get(self, BP_LIT(BP_STREAM_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.drop-box"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Takes files and gives them back."),
    .family = BP_STR("drop-box"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
