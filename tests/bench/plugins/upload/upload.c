/* Load target of the upload case: takes one file and answers with its size and digest. */
#include <backplane/backplane.h>

struct upload {
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_stream_1 *stream;
  bp_plugin self;
};
static struct upload upload;

static void post_upload(void *state, bp_request request) {
  const struct upload *u = state;
  bp_json_writer out = 0;
  bp_part part = {.size = sizeof(part)};
  if (u->stream->part(request, 0, &part) != BP_OK) {
    u->http->reply_failure(request, BP_E_INVALID, NULL);
    return;
  }
  u->json->writer_new(u->self, &out);
  u->json->object_begin(out);
  u->json->key(out, BP_LIT("size"));
  u->json->put_integer(out, (int64_t)part.size_bytes);
  u->json->key(out, BP_LIT("sha256"));
  u->json->put_string(out, bp_str_make(part.sha256_hex, 64));
  u->json->object_end(out);
  u->http->reply_json(request, 200, out);
  u->json->writer_free(out);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  upload = (struct upload){.http = host->get(self, BP_LIT(BP_HTTP_1)),
                           .json = host->get(self, BP_LIT(BP_JSON_1)),
                           .stream = host->get(self, BP_LIT(BP_STREAM_1)),
                           .self = self};
  *ret_state = &upload;
  return BP_OK;
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_STREAM_1), sizeof(bp_stream_1), 0},
};
static const bp_family families[] = {{.size = sizeof(bp_family),
                                      .error_shape = BP_ERRORS_ERROR,
                                      .validation_status = 400,
                                      .name = BP_STR("bench-upload"),
                                      .title = BP_STR("Upload"),
                                      .not_found_text = BP_STR("Not Found"),
                                      .not_allowed_text = BP_STR("Method Not Allowed")}};
static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_FILE, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("file"), .doc = BP_STR("the file")}};
static const bp_route routes[] = {{.size = sizeof(bp_route),
                                   .flags = BP_ROUTE_UPLOAD,
                                   .method = BP_STR("POST"),
                                   .path = BP_STR("/upload"),
                                   .operation_id = BP_STR("post_upload"),
                                   .summary = BP_STR("Takes a file"),
                                   .params = BP_ARRAY(params),
                                   .body_limit_bytes = 1024u * 1024 * 1024,
                                   .handle = post_upload,
                                   .policy = BP_STR("none")}};
static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR("bench-upload"),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Takes a file and forgets it."),
                                                .family = BP_STR("bench-upload"),
                                                .needs = BP_ARRAY(needs),
                                                .families = BP_ARRAY(families),
                                                .routes = BP_ARRAY(routes),
                                                .create = create};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
