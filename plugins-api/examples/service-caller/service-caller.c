/* Example: calling another plugin by the name of its service (bp.service/1).
 *
 *   POST /call {"service": "org.example.greeter/1", "method": "greet", "payload": {"name": "Ada"}}
 *     ->  {"status": 0, "answer": {"greeting": "hello Ada"}}      or, for a failure, {"status": -3, "error": "…"}
 *
 * The reply is deferred until the answer, a time-out or the end of the service comes; one of them always does. */
#include <backplane/backplane.h>

#include <stdlib.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_service_1 *service;
} caller;

struct waiting {
  bp_request request;
};

/* A reply to a client that has left does nothing. */
static void on_done(void *ctx, bp_status status, bp_str payload) {
  struct waiting *waiting = ctx;
  bp_json_writer out = 0;
  if (caller.json->writer_new(caller.self, &out) != BP_OK) {
    caller.http->reply_failure(waiting->request, BP_E_NO_MEMORY, NULL);
    free(waiting);
    return;
  }
  caller.json->object_begin(out);
  caller.json->key(out, BP_LIT("status"));
  caller.json->put_integer(out, status);
  caller.json->key(out, status == BP_OK ? BP_LIT("answer") : BP_LIT("error"));
  if (status == BP_OK)
    caller.json->put_raw(out, payload);
  else
    caller.json->put_string(out, payload);
  caller.json->object_end(out);
  caller.http->reply_json(waiting->request, 200, out);
  caller.json->writer_free(out);
  free(waiting);
}

/* The schema was checked: the members are there and are strings. */
static bp_str text_of(bp_json object, bp_str name) {
  bp_json value = 0;
  bp_str text = {NULL, 0};
  caller.json->get(object, name, &value);
  caller.json->string(value, &text);
  return text;
}

static bp_status call_service(bp_json body, struct waiting *waiting) {
  bp_json payload = 0;
  bp_json_writer text_of_payload = 0;
  bp_str text = {NULL, 0};
  bp_status status = caller.json->writer_new(caller.self, &text_of_payload);
  if (status != BP_OK)
    return status;
  caller.json->get(body, BP_LIT("payload"), &payload);
  caller.json->put_value(text_of_payload, payload);
  status = caller.json->writer_text(text_of_payload, &text, NULL);
  if (status == BP_OK)
    status = caller.service->call(caller.self, text_of(body, BP_LIT("service")), text_of(body, BP_LIT("method")), text, 5000, on_done, waiting);
  caller.json->writer_free(text_of_payload);
  return status;
}

static void post_call(void *state, bp_request request) {
  bp_json body = 0;
  (void)state;
  struct waiting *waiting = calloc(1, sizeof(*waiting));
  caller.http->body(request, &body);
  bp_status status = waiting ? call_service(body, waiting) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    caller.http->reply_failure(request, status, NULL);
    free(waiting);
    return;
  }
  waiting->request = request; /* the answer comes in a later tick, never before this */
  caller.http->defer(request, NULL, NULL);
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/call"),
     .operation_id = BP_STR("call_service"),
     .summary = BP_STR("Call a service of another plugin"),
     .body_schema = BP_STR("{\"type\":\"object\",\"required\":[\"service\",\"method\",\"payload\"],\"properties\":{\"service\":{\"type\":\"string\","
                           "\"minLength\":1},\"method\":{\"type\":\"string\"},\"payload\":{}}}"),
     .handle = post_call,
     .policy = BP_STR("none")},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("service-caller"),
     .title = BP_STR("Example of bp.service/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_SERVICE_1), sizeof(bp_service_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  caller.self = self;
  caller.http = host->get(self, BP_LIT(BP_HTTP_1));
  caller.json = host->get(self, BP_LIT(BP_JSON_1));
  caller.service = host->get(self, BP_LIT(BP_SERVICE_1));
  *ret_state = &caller;
  return BP_OK;
}

static void destroy(void *state) {
  (void)state; /* the state is static; open calls have been ended by the host */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.service-caller"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Calls services of other plugins."),
    .family = BP_STR("service-caller"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
