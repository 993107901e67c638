/* Example: reading a checked body and writing an answer (bp.http/1, json/1).
 *
 *   POST /sum {"numbers": [1, 2.5]}   ->   {"sum": 3.5, "count": 2} */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
} example;

static void post_sum(void *state, bp_request request) {
  bp_json body = 0, numbers = 0, number = 0;
  bp_json_writer out = 0;
  double sum = 0, value = 0;
  (void)state;
  if (example.json->writer_new(example.self, &out) != BP_OK) {
    example.http->reply_failure(request, BP_E_LIMIT, NULL);
    return;
  }
  example.http->body(request, &body); /* the schema was checked: an object with an array of numbers */
  example.json->get(body, BP_LIT("numbers"), &numbers);
  uint32_t count = example.json->count(numbers);
  for (uint32_t i = 0; i < count; i++)
    if (example.json->at(numbers, i, &number) == BP_OK && example.json->real(number, &value) == BP_OK)
      sum += value;
  example.json->object_begin(out);
  example.json->key(out, BP_LIT("sum"));
  example.json->put_real(out, sum);
  example.json->key(out, BP_LIT("count"));
  example.json->put_integer(out, count);
  example.json->object_end(out);
  example.http->reply_json(request, 200, out);
  example.json->writer_free(out);
}

static const char sum_schema[] =
    "{\"type\":\"object\",\"required\":[\"numbers\"],\"properties\":{"
    "\"numbers\":{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"number\",\"minimum\":-1e9,\"maximum\":1e9}}}}";

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/sum"),
     .operation_id = BP_STR("post_sum"),
     .summary = BP_STR("Adds numbers"),
     .flags = BP_ROUTE_READ_ONLY, /* it changes nothing, so no policy is asked */
     .body_schema = BP_STR(sum_schema),
     .handle = post_sum},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("sum"),
     .title = BP_STR("Example of JSON"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.sum"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Adds numbers."),
    .family = BP_STR("sum"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
