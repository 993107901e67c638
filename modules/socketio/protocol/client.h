/* What the files of the protocol share. Its users include protocol.h only. */
#ifndef SOCKETIO_CLIENT_H
#define SOCKETIO_CLIENT_H

#include "protocol.h"

#define SOCKET_ID_BYTES 20
#define ACKS_MAX 64u

struct membership;

/* An answer that is waited for. */
struct pending_ack {
  struct pending_ack *next;
  int64_t id;
  sio_ack_fn fn;
  void *ctx;
};

struct sio_socket {
  struct client *client;
  struct sio_socket *sibling;         /* of the same client */
  struct sio_socket *previous, *next; /* all */
  struct membership *memberships;
  struct pending_ack *acks;
  int64_t last_ack;
  uint32_t room_count, ack_count;
  char id[SOCKET_ID_BYTES];
  uint16_t nsp_len;
  char nsp[];
};

/* A packet whose attachments are still coming. */
struct partial {
  char *text;
  size_t text_len;
  struct sio_packet packet; /* points into text */
  bp_str attachments[SIO_ATTACHMENTS_MAX];
  uint32_t count;
  int64_t charged;
};

struct client {
  struct sio *sio;
  struct session *session;
  struct sio_socket *sockets;
  struct partial *partial;
  uint32_t socket_count;
  bool is_over; /* the session has ended: sockets are told and freed, nothing is sent */
};

struct room;
struct sio {
  struct engine_tables t;
  struct sio_limits limits;
  const struct sio_events *events;
  void *ctx;
  struct engine *engine;
  struct sio_socket *first;
  struct room **rooms;
  uint32_t room_buckets, room_count;
  struct session **targets; /* for broadcasts */
  uint32_t targets_cap;
  uint32_t socket_count;
};

/* client.c */
extern const struct engine_events client_engine_events;
/* A packet is complete. */
void client_take(struct client *client, const struct sio_packet *packet, const bp_str *attachments, uint32_t count);

/* binary.c */
/* Begins to wait for a packet's attachments. False: there is no room for it. */
bool partial_begin(struct client *client, bp_str text);
void partial_add(struct client *client, bp_str data);
void partial_drop(struct client *client);
/* True if every placeholder names one of `count` attachments. */
bool placeholders_fit(const bp_json_1 *json, bp_json value, uint32_t count);

/* socket.c */
struct sio_socket *socket_find(const struct client *client, bp_str nsp);
struct sio_socket *socket_new(struct client *client, bp_str nsp);
/* Leaves its rooms, tells the plugin, frees it. */
void socket_end(struct sio_socket *socket);
void socket_send(struct sio_socket *socket, enum sio_type type, int64_t ack, bp_str json, const bp_str *attachments, uint32_t count);
void socket_take_ack(struct sio_socket *socket, const struct sio_message *answer);

/* rooms.c */
void rooms_leave_all(struct sio_socket *socket);

#endif
