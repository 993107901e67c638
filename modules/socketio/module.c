/* Descriptor and life cycle of the socketio module. */
#include "socketio.h"

#include <stdlib.h>

static const bp_need needs[] = {
    KIT_NEED(BP_CORE_1, bp_core_1), KIT_NEED(BP_CONFIG_1, bp_config_1),   KIT_NEED(BP_JSON_1, bp_json_1),       KIT_NEED(BP_LOG_1, bp_log_1),
    KIT_NEED(BP_HTTP_1, bp_http_1), KIT_NEED(BP_STREAM_1, bp_stream_1),   KIT_NEED(BP_WS_1, bp_ws_1),           KIT_NEED(BP_LOOP_1, bp_loop_1),
    KIT_NEED(BP_LIVE_1, bp_live_1), KIT_NEED(BP_METRICS_1, bp_metrics_1), KIT_NEED(BP_SERVICE_1, bp_service_1), KIT_NEED(BP_EVENTS_1, bp_events_1),
};

static const bp_provide provides[] = {{sizeof(bp_provide), 0, BP_STR(SERVICE_NAME)}};

#define NUMBER(word, text, value, least, most)                                                                                                       \
  {                                                                                                                                                  \
    .size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value), .minimum = (least),       \
    .maximum = (most)                                                                                                                                \
  }
#define OTHER(kind, word, text, value)                                                                                                               \
  { .size = sizeof(bp_option), .type = (kind), .name = BP_STR(word), .doc = BP_STR(text), .def = BP_STR(value) }

static const char default_joins[] = "[{\"family\":\"desktop\",\"join\":\"agent:join\",\"leave\":\"agent:leave\",\"room\":\"agent:\"},"
                                    "{\"family\":\"desktop\",\"join\":\"mcp:join\",\"leave\":\"mcp:leave\",\"room\":\"mcp:\"},"
                                    "{\"family\":\"desktop\",\"join\":\"service:join\",\"leave\":\"service:leave\",\"room\":\"service:\"},"
                                    "{\"family\":\"desktop\",\"join\":\"deployment:join\",\"leave\":\"deployment:leave\",\"room\":\"deployment:\"},"
                                    "{\"family\":\"swarm\",\"join\":\"session:join\",\"leave\":\"session:leave\",\"room\":\"session:\"}]";
static const char default_topics[] = "{\"deployments.socket\":\"desktop\",\"desktop.socket\":\"desktop\",\"files.socket\":\"desktop\","
                                     "\"flow.socket\":\"desktop\",\"git.socket\":\"desktop\",\"mcp.socket\":\"desktop\","
                                     "\"repositories.socket\":\"desktop\",\"services.socket\":\"desktop\",\"system.socket\":\"desktop\","
                                     "\"vscode.socket\":\"desktop\",\"swarm.socket\":\"swarm\"}";

static const bp_option options[] = {
    NUMBER("ping_interval_ms", "How often a client is asked for a sign of life.", "25000", 100, 120000),
    NUMBER("ping_timeout_ms", "How long it may take to give one.", "20000", 100, 60000),
    NUMBER("connect_timeout_ms", "How long a client may take to join a namespace.", "45000", 100, 600000),
    NUMBER("upgrade_timeout_ms", "How long the change from polling to WebSocket may take.", "10000", 100, 600000),
    NUMBER("max_payload_bytes", "The largest message from a client, and the largest body of a request.", "1000000", 1024, 1000000),
    NUMBER("clients", "How many clients may be connected.", "10000", 1, 1000000),
    NUMBER("rooms_per_client", "How many rooms one client may be in.", "1000", 1, 100000),
    NUMBER("client_buffer_bytes", "What may wait for one client; a slower one is cut.", "1048576", 65536, 67108864),
    NUMBER("total_buffer_bytes", "What may wait for all clients.", "67108864", 1048576, 4294967296),
    OTHER(BP_OPTION_JSON, "joins", "Events by which clients enter and leave rooms: a list of {family, join, leave, room}.", default_joins),
    OTHER(BP_OPTION_JSON, "extra_joins", "More of them, beside those of joins.", "[]"),
    OTHER(BP_OPTION_STRING_MAP, "topics", "Live topics whose events are sent to clients, each with its family.", default_topics),
    OTHER(BP_OPTION_STRING_MAP, "extra_topics", "More of them, beside those of topics.", "{}"),
};

static const bp_family families[] = {
    {.size = sizeof(bp_family),
     .error_shape = BP_ERRORS_SUCCESS,
     .flags = BP_FAMILY_CORS_CREDENTIALS,
     .validation_status = 400,
     .name = BP_STR("socketio"),
     .title = BP_STR("Socket.IO of all families"),
     .not_found_text = BP_STR("Endpoint not found"),
     .not_allowed_text = BP_STR("Method not allowed")},
};

static void get_tables(struct socketio *m, const bp_host *host) {
  m->config = host->get(m->self, BP_LIT(BP_CONFIG_1));
  m->json = host->get(m->self, BP_LIT(BP_JSON_1));
  m->log = host->get(m->self, BP_LIT(BP_LOG_1));
  m->live = host->get(m->self, BP_LIT(BP_LIVE_1));
  m->metrics = host->get(m->self, BP_LIT(BP_METRICS_1));
  m->events = host->get(m->self, BP_LIT(BP_EVENTS_1));
  m->service = host->get(m->self, BP_LIT(BP_SERVICE_1));
  m->tables = (struct engine_tables){.self = m->self,
                                     .core = host->get(m->self, BP_LIT(BP_CORE_1)),
                                     .http = host->get(m->self, BP_LIT(BP_HTTP_1)),
                                     .stream = host->get(m->self, BP_LIT(BP_STREAM_1)),
                                     .ws = host->get(m->self, BP_LIT(BP_WS_1)),
                                     .loop = host->get(m->self, BP_LIT(BP_LOOP_1)),
                                     .json = m->json};
}

static void destroy(void *state) {
  struct socketio *m = state;
  sio_free(m->sio);
  joins_free(m);
  feeds_free(m);
  free(m);
}

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  struct socketio *m = calloc(1, sizeof(*m));
  if (!m)
    return BP_E_NO_MEMORY;
  m->self = self;
  get_tables(m, host);
  bp_status status = joins_read(m, err);
  if (status == BP_OK)
    status = feeds_read(m, err);
  if (status == BP_OK)
    status = clients_start(m, err);
  if (status == BP_OK)
    *ret_state = m;
  else
    destroy(m);
  return status;
}

static void on_stopping(void *ctx, bp_str name, bp_str payload) {
  struct socketio *m = ctx;
  (void)name;
  (void)payload;
  engine_stop(sio_engine(m->sio));
}

static bp_status start(void *state, bp_error *err) {
  struct socketio *m = state;
  bp_subscription stopping;
  (void)err;
  bp_status status = m->events->subscribe(m->self, BP_LIT("bp.stopping"), on_stopping, m, &stopping);
  return status == BP_OK ? service_start(m) : status;
}

static bp_status drain(void *state) {
  struct socketio *m = state;
  sio_close(m->sio);
  return BP_OK;
}

static const bp_plugin_descriptor descriptor = {
    .size = sizeof(bp_plugin_descriptor),
    .abi_major = BP_ABI_MAJOR,
    .abi_minor = BP_ABI_MINOR,
    .id = BP_STR("socketio"),
    .version = BP_STR("1.0.0"),
    .summary = BP_STR("Socket.IO for the families whose clients speak it."),
    .family = BP_STR("socketio"),
    .needs = BP_ARRAY(needs),
    .provides = BP_ARRAY(provides),
    .options = BP_ARRAY(options),
    .families = BP_ARRAY(families),
    .routes = BP_ARRAY(socketio_routes),
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
