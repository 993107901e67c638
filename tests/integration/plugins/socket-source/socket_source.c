/* Source of events for the tests of module socketio: POST /publish puts its body on the topic socket-source.socket. It stands in for
 * module swarm too, whose family it declares. */
#include <backplane/backplane.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_live_1 *live;
  const bp_json_1 *json;
} source;

static void publish(void *state, bp_request request) {
  bp_str body = bp_str_make(NULL, 0);
  (void)state;
  source.http->body_text(request, &body);
  bp_status status = source.live->publish(source.self, BP_LIT("socket-source.socket"), bp_str_make(NULL, 0), body);
  if (status == BP_OK)
    source.http->reply_empty(request, 204);
  else
    source.http->reply_failure(request, status, NULL);
}

static void listeners(void *state, bp_request request) {
  bp_json_writer out = 0;
  (void)state;
  source.json->writer_new(source.self, &out);
  source.json->put_integer(out, source.live->listeners(BP_LIT("socket-source.socket")));
  source.http->reply_json(request, 200, out);
  source.json->writer_free(out);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  source.self = self;
  source.http = host->get(self, BP_LIT(BP_HTTP_1));
  source.live = host->get(self, BP_LIT(BP_LIVE_1));
  source.json = host->get(self, BP_LIT(BP_JSON_1));
  *ret_state = &source;
  return BP_OK;
}

static const bp_need needs[] = {{sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
                                {sizeof(bp_need), 0, BP_STR(BP_LIVE_1), sizeof(bp_live_1), 0},
                                {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0}};
static const bp_topic topics[] = {{sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("socket-source.socket"), BP_STR("an event for clients")}};
static const bp_family families[] = {{.size = sizeof(bp_family),
                                      .error_shape = BP_ERRORS_ERROR,
                                      .validation_status = 400,
                                      .name = BP_STR("swarm"),
                                      .title = BP_STR("Stand-in"),
                                      .not_found_text = BP_STR("Not Found"),
                                      .not_allowed_text = BP_STR("Method Not Allowed")}};
static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/publish"),
     .operation_id = BP_STR("publish"),
     .summary = BP_STR("Publishes its body"),
     .body_schema = BP_STR("{\"type\":\"object\"}"),
     .policy = BP_STR("none"),
     .handle = publish},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/listeners"),
     .operation_id = BP_STR("listeners"),
     .summary = BP_STR("How many listen to the topic"),
     .handle = listeners},
};

static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR("socket-source"),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Publishes what it is sent."),
                                                .family = BP_STR("swarm"),
                                                .needs = BP_ARRAY(needs),
                                                .families = BP_ARRAY(families),
                                                .routes = BP_ARRAY(routes),
                                                .topics = BP_ARRAY(topics),
                                                .create = create};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
