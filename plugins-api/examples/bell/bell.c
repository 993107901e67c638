/* Example: notices between plugins and from the host (bp.events/1).
 *
 *   POST /ring   ->   202; every plugin that subscribed to "org.example.bell.*" hears it in a later tick
 *   GET  /heard  ->   how often this one heard it, and whether the host was ready: "1 ready" */
#include <backplane/backplane.h>

#include <stdio.h>

static struct {
  bp_plugin self;
  const bp_events_1 *events;
  const bp_http_1 *http;
  int rings;
  int is_ready;
} example;

static void on_ring(void *ctx, bp_str name, bp_str payload) {
  (void)ctx;
  (void)name;
  (void)payload;
  example.rings++;
}

static void on_ready(void *ctx, bp_str name, bp_str payload) {
  (void)ctx;
  (void)name;
  (void)payload;
  example.is_ready = 1;
}

static void post_ring(void *state, bp_request request) {
  (void)state;
  bp_status status = example.events->emit(example.self, BP_LIT("org.example.bell.rung"), BP_LIT("{}"));
  if (status == BP_OK)
    example.http->reply_empty(request, 202);
  else
    example.http->reply_failure(request, status, NULL);
}

static void get_heard(void *state, bp_request request) {
  char text[64];
  int len = snprintf(text, sizeof(text), "%d %s", example.rings, example.is_ready ? "ready" : "starting");
  (void)state;
  example.http->reply_text(request, 200, BP_LIT("text/plain"), bp_str_make(text, (size_t)len));
}

static bp_status start(void *state, bp_error *err) {
  bp_subscription subscription; /* not needed again: the host ends it with the plugin */
  (void)err;
  bp_status status = example.events->subscribe(example.self, BP_LIT("org.example.bell.*"), on_ring, state, &subscription);
  return status == BP_OK ? example.events->subscribe(example.self, BP_LIT("bp.ready"), on_ready, state, &subscription) : status;
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("POST"),
     .path = BP_STR("/ring"),
     .operation_id = BP_STR("ring"),
     .summary = BP_STR("Rings"),
     .policy = BP_STR("none"),
     .handle = post_ring},
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/heard"),
     .operation_id = BP_STR("heard"),
     .summary = BP_STR("What was heard"),
     .handle = get_heard},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("bell"),
     .title = BP_STR("Example of notices"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_EVENTS_1), sizeof(bp_events_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.events = host->get(self, BP_LIT(BP_EVENTS_1));
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.bell"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Rings, and hears it."),
    .family = BP_STR("bell"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .start = start,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
