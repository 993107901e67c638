/* Socket.IO protocol revision 5, server side, over the engine: namespaces, events with binary attachments, acknowledgements both
 * ways, and rooms. Knows no event by name: the plugin's `event` decides. Main thread only.
 * Protocol: https://github.com/socketio/socket.io-protocol */
#ifndef SOCKETIO_PROTOCOL_H
#define SOCKETIO_PROTOCOL_H

#include "../engine/engine.h"
#include "packet.h"

struct sio;
struct sio_socket; /* one client in one namespace */

struct sio_limits {
  int64_t connect_timeout_ms; /* for a client to join its first namespace */
  uint32_t rooms;             /* that one socket may be in */
  uint32_t namespaces;        /* that one client may be in */
};

/* An event, or an acknowledgement of one. All of it is borrowed for the call. */
struct sio_message {
  bp_str name;               /* of an event; one named by a number has its digits */
  bp_json args;              /* the array, of an event with its name in front */
  uint32_t first;            /* index of the first argument: 1 for an event, 0 for an acknowledgement */
  const bp_str *attachments; /* what {"_placeholder":true,"num":n} stands for */
  uint32_t attachment_count;
  int64_t ack; /* the client waits for sio_ack with this number; SIO_NO_ACK: it does not */
};

struct sio_events {
  bool (*has_namespace)(void *ctx, bp_str nsp, uint32_t realm);
  void (*connected)(void *ctx, struct sio_socket *socket, bp_json auth); /* `auth` 0: the client gave none */
  void (*event)(void *ctx, struct sio_socket *socket, const struct sio_message *message);
  void (*disconnected)(void *ctx, struct sio_socket *socket); /* the last call about it */
};

/* The answer to sio_emit with an acknowledgement; NULL: there will be none. */
typedef void (*sio_ack_fn)(void *ctx, const struct sio_message *answer);

/* NULL without memory. */
struct sio *sio_new(const struct engine_tables *tables, const struct engine_limits *engine_limits, const struct sio_limits *limits,
                    const struct sio_events *events, void *ctx);
void sio_close(struct sio *sio);
void sio_free(struct sio *sio);
struct engine *sio_engine(struct sio *sio);

bp_str sio_socket_nsp(const struct sio_socket *socket);
uint32_t sio_socket_realm(const struct sio_socket *socket);

/* `json`: the array, for an event with its name in front. Attachments are sent behind it. */
void sio_emit(struct sio_socket *socket, bp_str json, const bp_str *attachments, uint32_t count);
/* The same, and `fn` hears what the client answers. At most 64 answers of one socket are waited for. */
void sio_emit_acked(struct sio_socket *socket, bp_str json, const bp_str *attachments, uint32_t count, sio_ack_fn fn, void *ctx);
void sio_ack(struct sio_socket *socket, int64_t ack, bp_str json, const bp_str *attachments, uint32_t count);
/* Takes it out of its namespace and tells it. */
void sio_disconnect(struct sio_socket *socket);

/* Rooms have names of at most 256 bytes and exist while somebody is in them. False: the socket is in too many. */
bool sio_join(struct sio_socket *socket, bp_str room);
void sio_leave(struct sio_socket *socket, bp_str room);
/* One event to everybody in a namespace whose realm is in the mask of bits (1 << realm), or of those, in one room. */
void sio_broadcast(struct sio *sio, bp_str nsp, uint32_t realms, bp_str room, bp_str json);

#endif
