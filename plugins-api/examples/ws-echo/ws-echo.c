/* Example: WebSocket messages in and out (bp.ws/1).
 *
 *   GET /socket   with a WebSocket handshake; every message comes back
 *
 * A client that sends faster than it reads is not read any further until it has caught up. */
#include <backplane/backplane.h>

static struct {
  bp_plugin self;
  const bp_http_1 *http;
  const bp_ws_1 *ws;
} example;

static void on_message(void *ctx, bp_ws ws, uint32_t type, bp_str data) {
  (void)ctx;
  if (example.ws->send(ws, type, data) == BP_E_BUSY) {
    example.ws->close(ws, 1008, BP_LIT("read what you asked for"));
    return;
  }
  if (example.ws->buffered(ws) > 64 * 1024)
    example.ws->pause(ws);
}

static void on_drained(void *ctx, bp_ws ws) {
  (void)ctx;
  example.ws->resume(ws);
}

static void on_closed(void *ctx, bp_ws ws, uint32_t code, bp_str reason) {
  (void)ctx; /* what belongs to the connection would be freed here */
  (void)ws;
  (void)code;
  (void)reason;
}

static const bp_ws_events socket_events = {.size = sizeof(bp_ws_events), .message = on_message, .drained = on_drained, .closed = on_closed};

static void get_socket(void *state, bp_request request) {
  bp_ws ws;
  (void)state;
  bp_status status = example.ws->accept(request, bp_str_make(NULL, 0), &socket_events, NULL, &ws);
  if (status != BP_OK)
    example.http->reply_failure(request, status, NULL);
}

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/socket"),
     .operation_id = BP_STR("open_socket"),
     .summary = BP_STR("Echoes messages"),
     .flags = BP_ROUTE_WEBSOCKET,
     .handle = get_socket},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_ERROR,
     .flags = BP_FAMILY_NOT_BARE,
     .validation_status = 422,
     .name = BP_STR("ws-echo"),
     .title = BP_STR("Example of WebSockets"),
     .not_found_text = BP_STR("not found"),
     .not_allowed_text = BP_STR("method not allowed")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_WS_1), sizeof(bp_ws_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  example.self = self;
  example.http = host->get(self, BP_LIT(BP_HTTP_1));
  example.ws = host->get(self, BP_LIT(BP_WS_1));
  *ret_state = &example;
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.ws-echo"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Sends back what it is sent."),
    .family = BP_STR("ws-echo"),
    .needs = BP_ARRAY(needs),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
