/* Example: values that are encrypted at rest and never shown again (bp.secret/1).
 *
 *   PUT  /secrets/{name} {"value": "…"}           ->   204
 *   POST /secrets/{name}/compare {"value": "…"}   ->   {"same": true}
 *
 * Every caller has secrets of its own: the user of a secret is the principal of the request. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_secret_1 *secret;
} keeper;

/* The schema was checked: the value is there and is a string. */
static bp_str value_of(bp_request request) {
  bp_json body = 0, value = 0;
  bp_str text = {NULL, 0};
  keeper.http->body(request, &body);
  keeper.json->get(body, BP_LIT("value"), &value);
  keeper.json->string(value, &text);
  return text;
}

static bp_str name_of(bp_request request) {
  bp_str name = {NULL, 0};
  keeper.http->param(request, BP_LIT("name"), &name);
  return name;
}

static bp_request *keep_request(bp_request request) {
  bp_request *kept = malloc(sizeof(*kept));
  if (!kept)
    keeper.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
  else
    *kept = request;
  return kept;
}

/* `status` of the call that was to start the work; a failure is answered here. */
static void started(bp_request *kept, bp_status status) {
  if (status == BP_OK) {
    keeper.http->defer(*kept, NULL, NULL);
    return;
  }
  keeper.http->reply_failure(*kept, status, NULL);
  free(kept);
}

static void on_stored(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  bp_request *kept = ctx;
  (void)value;
  if (status == BP_OK)
    keeper.http->reply_empty(*kept, 204);
  else
    keeper.http->reply_failure(*kept, status, err);
  free(kept);
}

static void put_secret(void *state, bp_request request) {
  (void)state;
  bp_request *kept = keep_request(request);
  if (kept)
    started(kept, keeper.secret->put(keeper.self, keeper.http->principal(request), name_of(request), value_of(request), 0, on_stored, kept));
}

/* In a time that does not tell where the two begin to differ. */
static int is_same(bp_str a, bp_str b) {
  unsigned char difference = a.len != b.len;
  for (size_t i = 0; i < a.len; i++)
    difference |= (unsigned char)(a.ptr[i] ^ (b.len ? b.ptr[i % b.len] : 0));
  return difference == 0;
}

/* The request's strings are there until the reply is finished. */
static void on_read(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  bp_request *kept = ctx;
  bp_json_writer out = 0;
  if (status != BP_OK) {
    keeper.http->reply_failure(*kept, status, err);
    free(kept);
    return;
  }
  keeper.json->writer_new(keeper.self, &out);
  keeper.json->object_begin(out);
  keeper.json->key(out, BP_LIT("same"));
  keeper.json->put_boolean(out, (uint32_t)is_same(value, value_of(*kept)));
  keeper.json->object_end(out);
  keeper.http->reply_json(*kept, 200, out);
  keeper.json->writer_free(out);
  free(kept);
}

static void compare_secret(void *state, bp_request request) {
  (void)state;
  bp_request *kept = keep_request(request);
  if (kept)
    started(kept, keeper.secret->get(keeper.self, keeper.http->principal(request), name_of(request), on_read, kept));
}

static const bp_param params[] = {
    {.size = sizeof(bp_param),
     .in = BP_IN_PATH,
     .type = BP_PARAM_STRING,
     .required = 1,
     .name = BP_STR("name"),
     .doc = BP_STR("the secret"),
     .maximum = 100},
};

#define BODY                                                                                                                                         \
  .body_schema = BP_STR("{\"type\":\"object\",\"required\":[\"value\"],\"properties\":{\"value\":{\"type\":\"string\",\"maxLength\":10000}}}")

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("PUT"),
     .path = BP_STR("/secrets/{name}"),
     .operation_id = BP_STR("put_secret"),
     .summary = BP_STR("Keep a secret"),
     .params = BP_ARRAY(params),
     BODY,
     .success_status = 204,
     .handle = put_secret,
     .policy = BP_STR("none")},
    {.size = sizeof(bp_route),
     .flags = BP_ROUTE_READ_ONLY,
     .method = BP_STR("POST"),
     .path = BP_STR("/secrets/{name}/compare"),
     .operation_id = BP_STR("compare_secret"),
     .summary = BP_STR("Is this the secret that is kept"),
     .params = BP_ARRAY(params),
     BODY,
     .handle = compare_secret},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("secret-keeper"),
     .title = BP_STR("Example of bp.secret/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_SECRET_1), sizeof(bp_secret_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  keeper.self = self;
  keeper.http = host->get(self, BP_LIT(BP_HTTP_1));
  keeper.json = host->get(self, BP_LIT(BP_JSON_1));
  keeper.secret = host->get(self, BP_LIT(BP_SECRET_1));
  *ret_state = &keeper;
  return BP_OK;
}

static void destroy(void *state) {
  (void)state; /* the state is static */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.secret-keeper"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Keeps secrets and tells whether one is right."),
    .family = BP_STR("secret-keeper"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
