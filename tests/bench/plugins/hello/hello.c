/* Load target of the hello and pipeline cases: one route that writes a small JSON answer. */
#include <backplane/backplane.h>

struct hello {
  const bp_http_1 *http;
  const bp_json_1 *json;
  bp_plugin self;
};
static struct hello hello;

static void get_hello(void *state, bp_request request) {
  const struct hello *h = state;
  bp_json_writer out = 0;
  h->json->writer_new(h->self, &out);
  h->json->object_begin(out);
  h->json->key(out, BP_LIT("message"));
  h->json->put_string(out, BP_LIT("hello"));
  h->json->object_end(out);
  h->http->reply_json(request, 200, out);
  h->json->writer_free(out);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  hello = (struct hello){.http = host->get(self, BP_LIT(BP_HTTP_1)), .json = host->get(self, BP_LIT(BP_JSON_1)), .self = self};
  *ret_state = &hello;
  return BP_OK;
}

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};
static const bp_family families[] = {{.size = sizeof(bp_family),
                                      .error_shape = BP_ERRORS_ERROR,
                                      .validation_status = 400,
                                      .name = BP_STR("hello"),
                                      .title = BP_STR("Hello"),
                                      .not_found_text = BP_STR("Not Found"),
                                      .not_allowed_text = BP_STR("Method Not Allowed")}};
static const bp_route routes[] = {{.size = sizeof(bp_route),
                                   .method = BP_STR("GET"),
                                   .path = BP_STR("/hello"),
                                   .operation_id = BP_STR("get_hello"),
                                   .summary = BP_STR("A greeting"),
                                   .handle = get_hello}};
static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR("hello"),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Answers a greeting."),
                                                .family = BP_STR("hello"),
                                                .needs = BP_ARRAY(needs),
                                                .families = BP_ARRAY(families),
                                                .routes = BP_ARRAY(routes),
                                                .create = create};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
