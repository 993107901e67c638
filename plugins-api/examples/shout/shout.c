/* Example: publishing, and a view for event streams (bp.live/1).
 *
 *   POST /shout {"text": "hello"}   ->   202
 *   GET  /shouts                    ->   an event stream: "data: {\"heard\": {\"text\": \"hello\"}}"
 *
 * The topic is ephemeral: kept in a ring, gone after a restart. State changes belong on durable topics (example "words"). */
#include <backplane/backplane.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_json_1 *json;
  const bp_live_1 *live;
} example;

static const bp_str view_topics[] = {BP_STR("org.example.shout.heard")};

/* Called once for each event, however many clients listen. */
static uint32_t render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  (void)ctx;
  if (event->flags & BP_LIVE_RESYNC) {
    *ret_name = BP_LIT("resync");
    example.json->object_begin(frame);
    example.json->object_end(frame);
    return 1;
  }
  example.json->object_begin(frame);
  example.json->key(frame, BP_LIT("heard"));
  example.json->put_raw(frame, event->payload);
  example.json->object_end(frame);
  return 1;
}

static const bp_live_view view = {.size = sizeof(bp_live_view), .topics = BP_ARRAY(view_topics), .render = render};

static void post_shout(void *state, bp_request request) {
  bp_str text = {NULL, 0};
  (void)state;
  example.http->body_text(request, &text); /* checked JSON */
  bp_status status = example.live->publish(example.self, view_topics[0], bp_str_make(NULL, 0), text);
  if (status == BP_OK)
    example.http->reply_empty(request, 202);
  else
    example.http->reply_failure(request, status, NULL);
}

static void get_shouts(void *state, bp_request request) {
  const bp_str nothing = {NULL, 0};
  (void)state;
  bp_status status = example.live->serve_sse(request, &view, nothing, BP_LIVE_FROM_NOW, nothing, 0);
  if (status != BP_OK)
    example.http->reply_failure(request, status, NULL);
}

static const bp_topic topics[] = {
    {sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("org.example.shout.heard"), BP_STR("what was shouted")},
};
static const char shout_schema[] = "{\"type\":\"object\",\"required\":[\"text\"],\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":1000}}}";

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/shout"),
     .operation_id = BP_STR("post_shout"),
     .summary = BP_STR("Tells everybody"),
     .body_schema = BP_STR(shout_schema),
     .success_status = 202,
     .policy = BP_STR("none"),
     .handle = post_shout},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/shouts"),
     .operation_id = BP_STR("watch_shouts"),
     .summary = BP_STR("Everything that is shouted"),
     .handle = get_shouts},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("shout"),
     .title = BP_STR("Example of the live log"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_JSON_1), sizeof(bp_json_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_LIVE_1), sizeof(bp_live_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.json = host->get(self, BP_LIT(BP_JSON_1));
  example.live = host->get(self, BP_LIT(BP_LIVE_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.shout"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Tells everybody who listens."),
    .family = BP_STR("shout"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .topics = BP_ARRAY(topics),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
