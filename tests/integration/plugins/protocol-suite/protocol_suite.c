/* What the protocols' test suites expect of a server: an echo at /engine.io/, and at /socket.io/ a few events that come back.
 *
 * The engine is the one of module socketio, with the short intervals of the suites. Only tests load this. */
#include "protocol/protocol.h"

#include <stdlib.h>
#include <string.h>

/* An "auth" that has not been sent yet. */
struct greeting {
  struct greeting *next;
  struct sio_socket *socket;
  bp_timer timer;
  size_t len;
  char text[];
};

static struct {
  struct engine_tables t;
  struct engine *echo;
  struct sio *sio;
  struct greeting *greetings;
  /* How long "auth" comes after the answer to the connection. The suite begins to listen for the one after it has heard the other,
   * and loses what its WebSocket reads in one piece with it; the next ping must still come after both. */
  int64_t greeting_delay_ms;
} suite;

/* ---- /engine.io/ ---- */

static bool echo_opened(void *ctx, struct session *session) {
  (void)ctx;
  (void)session;
  return true;
}

static void echo_message(void *ctx, struct session *session, bool is_binary, bp_str data) {
  (void)ctx;
  if (is_binary) {
    session_send_binary(session, data);
    return;
  }
  char *packet = malloc(data.len + 1);
  if (!packet)
    return;
  packet[0] = '4';
  if (data.len)
    memcpy(packet + 1, data.ptr, data.len);
  session_send(session, bp_str_make(packet, data.len + 1));
  free(packet);
}

static void echo_closed(void *ctx, struct session *session, const char *reason) {
  (void)ctx;
  (void)session;
  (void)reason;
}

/* ---- /socket.io/ ---- */

static void write_arguments(bp_json_writer out, const struct sio_message *message) {
  bp_json argument = 0;
  for (uint32_t i = message->first; suite.t.json->at(message->args, i, &argument) == BP_OK; i++)
    suite.t.json->put_value(out, argument);
}

/* [name, …arguments] as an event, or without a name as an acknowledgement. */
static void send_back(struct sio_socket *socket, const char *name, const struct sio_message *message) {
  const bp_json_1 *json = suite.t.json;
  bp_json_writer out = 0;
  bp_str text;
  if (json->writer_new(suite.t.self, &out) != BP_OK)
    return;
  json->array_begin(out);
  if (name)
    json->put_string(out, bp_str_make(name, strlen(name)));
  write_arguments(out, message);
  json->array_end(out);
  if (json->writer_text(out, &text, NULL) != BP_OK)
    text = BP_LIT("[]");
  if (name)
    sio_emit(socket, text, message->attachments, message->attachment_count);
  else
    sio_ack(socket, message->ack, text, message->attachments, message->attachment_count);
  json->writer_free(out);
}

static bool has_namespace(void *ctx, bp_str nsp, uint32_t realm) {
  (void)ctx;
  (void)realm;
  return nsp.len == 1 || (nsp.len == strlen("/custom") && memcmp(nsp.ptr, "/custom", nsp.len) == 0);
}

/* Takes the socket's greeting out of the list; NULL where there is none. */
static struct greeting *greeting_take(const struct sio_socket *socket) {
  struct greeting **link = &suite.greetings;
  while (*link && (*link)->socket != socket)
    link = &(*link)->next;
  struct greeting *greeting = *link;
  if (greeting)
    *link = greeting->next;
  return greeting;
}

static void greeting_say(struct greeting *greeting) {
  sio_emit(greeting->socket, bp_str_make(greeting->text, greeting->len), NULL, 0);
  free(greeting);
}

static void on_greeting_due(void *ctx, bp_timer timer) {
  struct greeting *greeting = greeting_take(((struct greeting *)ctx)->socket);
  (void)timer;
  greeting_say(greeting);
}

static void greet_later(struct sio_socket *socket, bp_str text) {
  struct greeting *greeting = calloc(1, sizeof(*greeting) + text.len);
  if (!greeting)
    return;
  greeting->socket = socket;
  greeting->len = text.len;
  memcpy(greeting->text, text.ptr, text.len);
  if (suite.t.loop->timer(suite.t.self, suite.greeting_delay_ms, 0, on_greeting_due, greeting, &greeting->timer) != BP_OK) {
    greeting_say(greeting);
    return;
  }
  greeting->next = suite.greetings;
  suite.greetings = greeting;
}

/* What the client says meanwhile is answered after the greeting. */
static void greet_now(const struct sio_socket *socket) {
  struct greeting *greeting = greeting_take(socket);
  if (!greeting)
    return;
  suite.t.loop->timer_cancel(greeting->timer);
  greeting_say(greeting);
}

static void connected(void *ctx, struct sio_socket *socket, bp_json auth) {
  const bp_json_1 *json = suite.t.json;
  bp_json_writer out = 0;
  bp_str text;
  (void)ctx;
  if (json->writer_new(suite.t.self, &out) != BP_OK)
    return;
  json->array_begin(out);
  json->put_string(out, BP_LIT("auth"));
  if (auth)
    json->put_value(out, auth);
  else
    json->put_raw(out, BP_LIT("{}"));
  json->array_end(out);
  if (json->writer_text(out, &text, NULL) == BP_OK)
    greet_later(socket, text);
  json->writer_free(out);
}

/* What the client answered to "question" comes back as "answered". */
static void answered(void *ctx, const struct sio_message *answer) {
  if (answer)
    send_back(ctx, "answered", answer);
}

static bool is(const struct sio_message *message, const char *name) {
  return message->name.len == strlen(name) && memcmp(message->name.ptr, name, message->name.len) == 0;
}

static void event(void *ctx, struct sio_socket *socket, const struct sio_message *message) {
  (void)ctx;
  greet_now(socket);
  if (is(message, "message"))
    send_back(socket, "message-back", message);
  else if (is(message, "message-with-ack") && message->ack >= 0)
    send_back(socket, NULL, message);
  else if (is(message, "ask-me"))
    sio_emit_acked(socket, BP_LIT("[\"question\",42]"), NULL, 0, answered, socket);
  else if (is(message, "leave-me"))
    sio_disconnect(socket);
}

static void disconnected(void *ctx, struct sio_socket *socket) {
  struct greeting *greeting = greeting_take(socket);
  (void)ctx;
  if (greeting)
    suite.t.loop->timer_cancel(greeting->timer);
  free(greeting);
}

/* ---- Routes ---- */

#define AT(at, verb, bits, id, handler)                                                                                                              \
  {                                                                                                                                                  \
    .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(at), .operation_id = BP_STR(id), .summary = BP_STR("Part of the protocol"),     \
    .flags = (bits), .scope = BP_STR("read"), .policy = BP_STR("none"), .handle = (handler), .timeout_ms = 60000, .body_limit_bytes = 4u << 20,      \
    .params = {                                                                                                                                      \
      engine_params,                                                                                                                                 \
      ENGINE_PARAM_COUNT,                                                                                                                            \
      (uint32_t)sizeof(bp_param)                                                                                                                     \
    }                                                                                                                                                \
  }

static void echo_get(void *state, bp_request request) {
  (void)state;
  engine_get(suite.echo, request, 0);
}

static void echo_post(void *state, bp_request request) {
  (void)state;
  engine_post(suite.echo, request, 0);
}

static void sio_get(void *state, bp_request request) {
  (void)state;
  engine_get(sio_engine(suite.sio), request, 0);
}

static void sio_post(void *state, bp_request request) {
  (void)state;
  engine_post(sio_engine(suite.sio), request, 0);
}

static void other(void *state, bp_request request) {
  (void)state;
  engine_other(suite.echo, request);
}

static const bp_route routes[] = {
    AT("/engine.io/", "GET", BP_ROUTE_WEBSOCKET, "echo_get", echo_get),
    AT("/engine.io/", "POST", BP_ROUTE_STREAM, "echo_post", echo_post),
    AT("/engine.io/", "*", BP_ROUTE_READ_ONLY | BP_ROUTE_STREAM, "echo_other", other),
    AT("/socket.io/", "GET", BP_ROUTE_WEBSOCKET, "sio_get", sio_get),
    AT("/socket.io/", "POST", BP_ROUTE_STREAM, "sio_post", sio_post),
    AT("/socket.io/", "*", BP_ROUTE_READ_ONLY | BP_ROUTE_STREAM, "sio_other", other),
};

/* ---- Life ---- */

static bp_status create(bp_plugin self, const bp_host *host, void **ret_state, bp_error *err) {
  static const struct engine_events echo_events = {echo_opened, echo_message, echo_closed};
  static const struct sio_events sio_events = {has_namespace, connected, event, disconnected};
  struct engine_limits limits = {
      .upgrade_timeout_ms = 1000, .payload_bytes = 1000000, .session_bytes = 4u << 20, .total_bytes = 64u << 20, .sessions = 1000};
  static const struct sio_limits sio_limits = {.connect_timeout_ms = 1000, .rooms = 16, .namespaces = 4};
  (void)err;
  suite.t = (struct engine_tables){.self = self,
                                   .core = host->get(self, BP_LIT(BP_CORE_1)),
                                   .http = host->get(self, BP_LIT(BP_HTTP_1)),
                                   .stream = host->get(self, BP_LIT(BP_STREAM_1)),
                                   .ws = host->get(self, BP_LIT(BP_WS_1)),
                                   .loop = host->get(self, BP_LIT(BP_LOOP_1)),
                                   .json = host->get(self, BP_LIT(BP_JSON_1))};
  const bp_config_1 *config = host->get(self, BP_LIT(BP_CONFIG_1));
  config->integer(self, BP_LIT("ping_interval_ms"), &limits.ping_interval_ms);
  config->integer(self, BP_LIT("ping_timeout_ms"), &limits.ping_timeout_ms);
  config->integer(self, BP_LIT("greeting_delay_ms"), &suite.greeting_delay_ms);
  suite.echo = engine_new(&suite.t, &limits, &echo_events, NULL);
  suite.sio = sio_new(&suite.t, &limits, &sio_limits, &sio_events, NULL);
  *ret_state = &suite;
  return suite.echo && suite.sio ? BP_OK : BP_E_NO_MEMORY;
}

static bp_status drain(void *state) {
  (void)state;
  engine_close(suite.echo);
  sio_close(suite.sio);
  return BP_OK;
}

static void destroy(void *state) {
  (void)state;
  engine_free(suite.echo);
  sio_free(suite.sio);
}

#define NEED(name, table)                                                                                                                            \
  { sizeof(bp_need), 0, BP_STR(name), (uint32_t)sizeof(table), 0 }
static const bp_need needs[] = {NEED(BP_CORE_1, bp_core_1), NEED(BP_HTTP_1, bp_http_1), NEED(BP_STREAM_1, bp_stream_1), NEED(BP_WS_1, bp_ws_1),
                                NEED(BP_LOOP_1, bp_loop_1), NEED(BP_JSON_1, bp_json_1), NEED(BP_CONFIG_1, bp_config_1)};

#define MS_OPTION(word, value, text)                                                                                                                 \
  {                                                                                                                                                  \
    .size = sizeof(bp_option), .type = BP_OPTION_INTEGER, .name = BP_STR(word), .def = BP_STR(value), .doc = BP_STR(text), .minimum = 1,             \
    .maximum = 600000                                                                                                                                \
  }
static const bp_option options[] = {
    MS_OPTION("ping_interval_ms", "300", "Between two pings; the suites expect 300."),
    MS_OPTION("ping_timeout_ms", "200", "For the answer to a ping; the suites expect 200."),
    MS_OPTION("greeting_delay_ms", "80", "Between the answer to a connection and what the server says by itself."),
};

static const bp_family families[] = {{.size = sizeof(bp_family),
                                      .error_shape = BP_ERRORS_ERROR,
                                      .flags = BP_FAMILY_NOT_BARE,
                                      .validation_status = 400,
                                      .name = BP_STR("protocol-suite"),
                                      .title = BP_STR("Target of the protocol suites"),
                                      .not_found_text = BP_STR("Not Found"),
                                      .not_allowed_text = BP_STR("Method Not Allowed")}};

static const bp_plugin_descriptor descriptor = {.size = sizeof(descriptor),
                                                .abi_major = BP_ABI_MAJOR,
                                                .abi_minor = BP_ABI_MINOR,
                                                .id = BP_STR("protocol-suite"),
                                                .version = BP_STR("1.0.0"),
                                                .summary = BP_STR("Target of the Engine.IO and Socket.IO protocol suites."),
                                                .family = BP_STR("protocol-suite"),
                                                .needs = BP_ARRAY(needs),
                                                .options = BP_ARRAY(options),
                                                .families = BP_ARRAY(families),
                                                .routes = BP_ARRAY(routes),
                                                .create = create,
                                                .drain = drain,
                                                .destroy = destroy};

const bp_plugin_descriptor *bp_plugin_query_1(void) {
  return &descriptor;
}
