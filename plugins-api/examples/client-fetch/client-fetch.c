/* Example: an answer of another server, handed on as it arrives (bp.client/1, bp.stream/1).
 *
 *   GET /fetch?url=http://example.org/   ->   its status, type and body
 *
 * With the option `public_only` (the default) nothing in this machine or its networks can be asked. A client that reads slowly
 * holds the other server back: chunks are paused while too much waits. */
#include <backplane/backplane.h>

#include <stdlib.h>

#define WAITING_MAX (256u * 1024)

static struct {
  bp_plugin self;
  const bp_client_1 *client;
  const bp_config_1 *config;
  const bp_http_1 *http;
  const bp_stream_1 *stream;
  uint32_t is_public_only;
} fetch;

struct call {
  bp_request request;
  bp_exchange exchange;
  bp_stream stream; /* 0 before the head has come, and once the client has left */
  int has_begun;
};

/* ---- Our client ---- */

static void on_left(void *ctx, bp_request request, uint32_t reason) {
  (void)request, (void)reason;
  fetch.client->cancel(((struct call *)ctx)->exchange); /* on_done follows and frees the call */
}

static void on_drained(void *ctx, bp_stream stream) {
  (void)stream;
  fetch.client->pause(((struct call *)ctx)->exchange, 0);
}

static void on_closed(void *ctx, bp_stream stream, bp_status status) {
  struct call *call = ctx;
  (void)stream, (void)status;
  call->stream = 0;
  fetch.client->cancel(call->exchange);
}

static const bp_stream_events stream_events = {.size = sizeof(bp_stream_events), .drained = on_drained, .closed = on_closed};

/* ---- The other server ---- */

static bp_str content_type(bp_array headers) {
  static const char name[] = "content-type";
  for (uint32_t i = 0; i < headers.count; i++) {
    const bp_client_header *header = (const bp_client_header *)((const char *)headers.ptr + (size_t)i * headers.stride);
    size_t same = 0;
    while (same < header->name.len && same < sizeof(name) - 1 && (header->name.ptr[same] | 0x20) == name[same])
      same++;
    if (same == sizeof(name) - 1 && header->name.len == same)
      return header->value;
  }
  return BP_LIT("application/octet-stream");
}

static void on_head(void *ctx, bp_exchange exchange, uint32_t status, bp_array headers) {
  struct call *call = ctx;
  fetch.http->header_add(call->request, BP_LIT("Content-Security-Policy"), BP_LIT("sandbox")); /* not ours: it must not act as ours */
  bp_status begun = fetch.stream->begin(call->request, status, content_type(headers), &stream_events, call, &call->stream);
  call->has_begun = begun == BP_OK;
  if (!call->has_begun)
    fetch.client->cancel(exchange);
}

static void on_chunk(void *ctx, bp_exchange exchange, bp_str bytes) {
  struct call *call = ctx;
  if (fetch.stream->write(call->stream, bytes) != BP_OK)
    fetch.client->cancel(exchange);
  else if (fetch.stream->buffered(call->stream) > WAITING_MAX)
    fetch.client->pause(exchange, 1);
}

static void on_done(void *ctx, bp_exchange exchange, bp_status status, uint32_t http_status, bp_str body, const bp_error *err) {
  struct call *call = ctx;
  (void)exchange, (void)http_status, (void)body;
  if (call->stream)
    fetch.stream->end(call->stream);
  else if (!call->has_begun)
    fetch.http->reply_failure(call->request, status, err); /* does nothing where the client has left */
  free(call);
}

static const bp_client_events events = {.size = sizeof(bp_client_events), .head = on_head, .chunk = on_chunk, .done = on_done};

static void get_fetch(void *state, bp_request request) {
  bp_error err = BP_ERROR_INIT;
  bp_str url = BP_STR("");
  (void)state;
  struct call *call = calloc(1, sizeof(*call));
  if (!call) {
    fetch.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  call->request = request;
  fetch.http->param(request, BP_LIT("url"), &url);
  const bp_client_request order = {.size = sizeof(order),
                                   .flags = BP_CLIENT_FOLLOW | (fetch.is_public_only ? BP_CLIENT_PUBLIC_ONLY : 0),
                                   .method = BP_LIT("GET"),
                                   .url = url,
                                   .idle_timeout_ms = 20000};
  bp_status status = fetch.client->send(fetch.self, &order, &events, call, &call->exchange, &err);
  if (status != BP_OK) {
    fetch.http->reply_failure(request, status, &err);
    free(call);
    return;
  }
  fetch.http->defer(request, on_left, call);
}

static const bp_param params[] = {
    {.size = sizeof(bp_param), .in = BP_IN_QUERY, .type = BP_PARAM_STRING, .required = 1, .name = BP_STR("url"), .doc = BP_STR("What to fetch.")},
};

static const bp_route routes[] = {
    {.size = sizeof(bp_route),
     .method = BP_STR("GET"),
     .path = BP_STR("/fetch"),
     .operation_id = BP_STR("fetch"),
     .summary = BP_STR("Hand on what another server answers"),
     .params = BP_ARRAY(params),
     .handle = get_fetch},
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_PROBLEM,
     .validation_status = 400,
     .name = BP_STR("client-fetch"),
     .title = BP_STR("Example of bp.client/1"),
     .not_found_text = BP_STR("Not Found"),
     .not_allowed_text = BP_STR("Method Not Allowed")},
};

static const bp_option options[] = {
    {.size = sizeof(bp_option),
     .type = BP_OPTION_BOOLEAN,
     .name = BP_STR("public_only"),
     .doc = BP_STR("Refuse addresses of this machine and of private networks."),
     .def = BP_STR("true")},
};

static const bp_need needs[] = {
    {sizeof(bp_need), 0, BP_STR(BP_CLIENT_1), sizeof(bp_client_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_CONFIG_1), sizeof(bp_config_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_HTTP_1), sizeof(bp_http_1), 0},
    {sizeof(bp_need), 0, BP_STR(BP_STREAM_1), sizeof(bp_stream_1), 0},
};

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  (void)err;
  fetch.self = self;
  fetch.client = host->get(self, BP_LIT(BP_CLIENT_1));
  fetch.config = host->get(self, BP_LIT(BP_CONFIG_1));
  fetch.http = host->get(self, BP_LIT(BP_HTTP_1));
  fetch.stream = host->get(self, BP_LIT(BP_STREAM_1));
  *ret_state = &fetch;
  return fetch.config->boolean(self, BP_LIT("public_only"), &fetch.is_public_only);
}

static void destroy(void *state) {
  (void)state; /* the state is static; the host has ended what was open */
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("org.example.client-fetch"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Hands on what another server answers."),
    .family = BP_STR("client-fetch"),
    .needs = BP_ARRAY(needs),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(routes),
    .create = create,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
