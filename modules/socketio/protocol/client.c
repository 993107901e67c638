/* A client: what its packets are about, and what ends it. Anything that breaks the protocol does. */
#include "client.h"

#include <stdlib.h>
#include <string.h>

static void end(struct client *client, const char *reason) {
  session_end(client->session, reason);
}

/* ---- Connecting to a namespace ---- */

static void refuse_namespace(struct client *client, bp_str nsp) {
  static const char answer[] = "{\"message\":\"Invalid namespace\"}";
  char packet[SIO_HEAD_BYTES(256) + sizeof(answer)];
  size_t len = sio_packet_head(packet, SIO_CONNECT_ERROR, 0, nsp, SIO_NO_ACK);
  memcpy(packet + len, answer, sizeof(answer) - 1);
  session_send(client->session, bp_str_make(packet, len + sizeof(answer) - 1));
}

static void say_connected(struct sio_socket *socket) {
  const struct sio *sio = socket->client->sio;
  const bp_json_1 *json = sio->t.json;
  bp_json_writer out = 0;
  bp_str text;
  if (json->writer_new(sio->t.self, &out) != BP_OK)
    return;
  json->object_begin(out);
  json->key(out, BP_LIT("sid"));
  json->put_string(out, bp_str_make(socket->id, SOCKET_ID_BYTES));
  json->object_end(out);
  if (json->writer_text(out, &text, NULL) == BP_OK)
    socket_send(socket, SIO_CONNECT, SIO_NO_ACK, text, NULL, 0);
  json->writer_free(out);
}

static void connect(struct client *client, bp_str nsp, bp_json auth) {
  struct sio *sio = client->sio;
  struct sio_socket *socket = socket_find(client, nsp);
  if (socket) { /* once more: nothing changes */
    say_connected(socket);
    return;
  }
  if (!sio->events->has_namespace(sio->ctx, nsp, session_realm(client->session))) {
    refuse_namespace(client, nsp);
    return;
  }
  socket = client->socket_count < sio->limits.namespaces ? socket_new(client, nsp) : NULL;
  if (!socket) {
    end(client, "too many namespaces");
    return;
  }
  session_settle(client->session);
  say_connected(socket);
  sio->events->connected(sio->ctx, socket, auth);
}

static void take_connect(struct client *client, const struct sio_packet *packet, bp_json root) {
  if (packet->json.len && client->sio->t.json->type(root) != BP_JSON_OBJECT)
    end(client, "parse error");
  else
    connect(client, packet->nsp, root);
}

/* ---- Events and acknowledgements ---- */

/* Names that events of clients and servers have for themselves. */
static bool is_reserved(bp_str name) {
  static const char *const reserved[] = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};
  for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
    if (name.len == strlen(reserved[i]) && memcmp(name.ptr, reserved[i], name.len) == 0)
      return true;
  return false;
}

static bool read_name(const bp_json_1 *json, bp_json args, char digits[24], bp_str *ret) {
  bp_json first = 0;
  int64_t number;
  if (json->at(args, 0, &first) != BP_OK)
    return false;
  if (json->string(first, ret) == BP_OK)
    return !is_reserved(*ret);
  if (json->integer(first, &number) != BP_OK || number < 0)
    return false;
  size_t len = sio_packet_head(digits, SIO_EVENT, 0, bp_str_make(NULL, 0), number) - 2;
  *ret = bp_str_make(digits + 2, len);
  return true;
}

static void take_message(struct client *client, struct sio_socket *socket, const struct sio_packet *packet, struct sio_message *message) {
  const struct sio *sio = client->sio;
  const bp_json_1 *json = sio->t.json;
  char digits[24];
  bool is_ack = packet->type == SIO_ACK || packet->type == SIO_BINARY_ACK;
  bool is_fine = json->type(message->args) == BP_JSON_ARRAY && placeholders_fit(json, message->args, message->attachment_count);
  if (is_fine && is_ack)
    is_fine = packet->ack >= 0;
  else if (is_fine)
    is_fine = read_name(json, message->args, digits, &message->name);
  if (!is_fine) {
    end(client, "parse error");
    return;
  }
  message->ack = packet->ack;
  message->first = is_ack ? 0 : 1;
  if (is_ack)
    socket_take_ack(socket, message);
  else
    sio->events->event(sio->ctx, socket, message);
}

static void take_parsed(struct client *client, const struct sio_packet *packet, struct sio_message *message) {
  if (packet->type == SIO_CONNECT) {
    take_connect(client, packet, message->args);
    return;
  }
  struct sio_socket *socket = socket_find(client, packet->nsp);
  if (!socket || packet->type == SIO_CONNECT_ERROR)
    end(client, "packet without a connection to its namespace");
  else if (packet->type != SIO_DISCONNECT)
    take_message(client, socket, packet, message);
  else if (packet->json.len)
    end(client, "parse error");
  else
    socket_end(socket);
}

void client_take(struct client *client, const struct sio_packet *packet, const bp_str *attachments, uint32_t count) {
  const struct sio *sio = client->sio;
  struct sio_message message = {.attachments = attachments, .attachment_count = count, .ack = SIO_NO_ACK};
  if (packet->json.len && sio->t.json->parse(sio->t.self, packet->json, &message.args, NULL) != BP_OK) {
    end(client, "parse error");
    return;
  }
  bp_json root = message.args;
  take_parsed(client, packet, &message);
  if (root)
    sio->t.json->release(sio->t.self, root);
}

/* ---- What the engine tells ---- */

static bool on_opened(void *ctx, struct session *session) {
  struct sio *sio = ctx;
  struct client *client = calloc(1, sizeof(*client));
  if (!client)
    return false;
  *client = (struct client){.sio = sio, .session = session};
  session_set_user(session, client);
  session_expect(session, sio->limits.connect_timeout_ms);
  return true;
}

static void take_text(struct client *client, bp_str text) {
  struct sio_packet packet;
  if (client->partial || !sio_packet_parse(text, &packet))
    end(client, "parse error");
  else if (packet.attachments == 0)
    client_take(client, &packet, NULL, 0);
  else if (!partial_begin(client, text))
    end(client, "too much is waiting for attachments");
}

static void on_message(void *ctx, struct session *session, bool is_binary, bp_str data) {
  struct client *client = session_user(session);
  (void)ctx;
  if (!is_binary)
    take_text(client, data);
  else if (client->partial)
    partial_add(client, data);
  else
    end(client, "parse error");
}

static void on_closed(void *ctx, struct session *session, const char *reason) {
  struct client *client = session_user(session);
  (void)ctx;
  (void)reason;
  if (!client)
    return;
  client->is_over = true;
  partial_drop(client);
  while (client->sockets)
    socket_end(client->sockets);
  session_set_user(session, NULL);
  free(client);
}

const struct engine_events client_engine_events = {.opened = on_opened, .message = on_message, .closed = on_closed};

/* ---- The server ---- */

struct sio *sio_new(const struct engine_tables *tables, const struct engine_limits *engine_limits, const struct sio_limits *limits,
                    const struct sio_events *events, void *ctx) {
  struct sio *sio = calloc(1, sizeof(*sio));
  if (!sio)
    return NULL;
  *sio = (struct sio){.t = *tables, .limits = *limits, .events = events, .ctx = ctx};
  sio->engine = engine_new(tables, engine_limits, &client_engine_events, sio);
  if (sio->engine)
    return sio;
  free(sio);
  return NULL;
}

struct engine *sio_engine(struct sio *sio) {
  return sio->engine;
}

void sio_close(struct sio *sio) {
  engine_close(sio->engine);
}

void sio_free(struct sio *sio) {
  if (!sio)
    return;
  engine_free(sio->engine);
  free(sio->rooms);
  free(sio->targets);
  free(sio);
}
