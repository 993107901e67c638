/* A client in one namespace: its life, what is sent to it, and the answers that are waited for. */
#include "client.h"

#include "../engine/base64.h"

#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

struct sio_socket *socket_find(const struct client *client, bp_str nsp) {
  struct sio_socket *socket = client->sockets;
  while (socket && !(socket->nsp_len == nsp.len && memcmp(socket->nsp, nsp.ptr, nsp.len) == 0))
    socket = socket->sibling;
  return socket;
}

struct sio_socket *socket_new(struct client *client, bp_str nsp) {
  struct sio *sio = client->sio;
  struct sio_socket *socket = calloc(1, sizeof(*socket) + nsp.len);
  if (!socket)
    return NULL;
  socket->client = client;
  socket->nsp_len = (uint16_t)nsp.len;
  memcpy(socket->nsp, nsp.ptr, nsp.len);
  sio->t.core->random_bytes(socket->id, SOCKET_ID_BYTES);
  base64_id(socket->id, SOCKET_ID_BYTES);
  socket->sibling = client->sockets;
  client->sockets = socket;
  client->socket_count++;
  socket->next = sio->first;
  if (sio->first)
    sio->first->previous = socket;
  sio->first = socket;
  sio->socket_count++;
  return socket;
}

static void drop_acks(struct sio_socket *socket) {
  while (socket->acks) {
    struct pending_ack *ack = socket->acks;
    socket->acks = ack->next;
    ack->fn(ack->ctx, NULL);
    free(ack);
  }
}

void socket_end(struct sio_socket *socket) {
  struct client *client = socket->client;
  struct sio *sio = client->sio;
  struct sio_socket **link = &client->sockets;
  while (*link != socket)
    link = &(*link)->sibling;
  *link = socket->sibling;
  client->socket_count--;
  *(socket->previous ? &socket->previous->next : &sio->first) = socket->next;
  if (socket->next)
    socket->next->previous = socket->previous;
  sio->socket_count--;
  rooms_leave_all(socket);
  drop_acks(socket);
  sio->events->disconnected(sio->ctx, socket);
  free(socket);
}

void sio_disconnect(struct sio_socket *socket) {
  socket_send(socket, SIO_DISCONNECT, SIO_NO_ACK, bp_str_make(NULL, 0), NULL, 0);
  socket_end(socket);
}

bp_str sio_socket_nsp(const struct sio_socket *socket) {
  return bp_str_make(socket->nsp, socket->nsp_len);
}

uint32_t sio_socket_realm(const struct sio_socket *socket) {
  return session_realm(socket->client->session);
}

/* ---- Sending ---- */

void socket_send(struct sio_socket *socket, enum sio_type type, int64_t ack, bp_str json, const bp_str *attachments, uint32_t count) {
  struct client *client = socket->client;
  char *packet = client->is_over ? NULL : malloc(SIO_HEAD_BYTES(socket->nsp_len) + json.len);
  if (!packet)
    return;
  size_t len = sio_packet_head(packet, type, count, sio_socket_nsp(socket), ack);
  if (json.len)
    memcpy(packet + len, json.ptr, json.len);
  session_send(client->session, bp_str_make(packet, len + json.len));
  free(packet);
  for (uint32_t i = 0; i < count; i++)
    session_send_binary(client->session, attachments[i]);
}

void sio_emit(struct sio_socket *socket, bp_str json, const bp_str *attachments, uint32_t count) {
  socket_send(socket, count ? SIO_BINARY_EVENT : SIO_EVENT, SIO_NO_ACK, json, attachments, count);
}

void sio_ack(struct sio_socket *socket, int64_t ack, bp_str json, const bp_str *attachments, uint32_t count) {
  socket_send(socket, count ? SIO_BINARY_ACK : SIO_ACK, ack, json, attachments, count);
}

/* ---- Answers that are waited for ---- */

void sio_emit_acked(struct sio_socket *socket, bp_str json, const bp_str *attachments, uint32_t count, sio_ack_fn fn, void *ctx) {
  struct pending_ack *ack = socket->ack_count < ACKS_MAX ? calloc(1, sizeof(*ack)) : NULL;
  if (!ack) {
    fn(ctx, NULL);
    return;
  }
  *ack = (struct pending_ack){.next = socket->acks, .id = socket->last_ack++, .fn = fn, .ctx = ctx};
  socket->acks = ack;
  socket->ack_count++;
  socket_send(socket, count ? SIO_BINARY_EVENT : SIO_EVENT, ack->id, json, attachments, count);
}

/* One that nobody waits for is dropped. */
void socket_take_ack(struct sio_socket *socket, const struct sio_message *answer) {
  struct pending_ack **link = &socket->acks;
  while (*link && (*link)->id != answer->ack)
    link = &(*link)->next;
  struct pending_ack *ack = *link;
  if (!ack)
    return;
  *link = ack->next;
  socket->ack_count--;
  ack->fn(ack->ctx, answer);
  free(ack);
}
