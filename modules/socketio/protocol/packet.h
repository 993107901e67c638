/* The text of a Socket.IO packet (protocol revision 5): <type>[<attachments>-][/<namespace>,][<ack id>][<JSON>]. Pure functions.
 * Whether the JSON is what the type wants is looked at in client.c. */
#ifndef SOCKETIO_PACKET_H
#define SOCKETIO_PACKET_H

#include <backplane/base.h>
#include <stdbool.h>

enum sio_type { SIO_CONNECT, SIO_DISCONNECT, SIO_EVENT, SIO_ACK, SIO_CONNECT_ERROR, SIO_BINARY_EVENT, SIO_BINARY_ACK };

#define SIO_ATTACHMENTS_MAX 64u
#define SIO_NO_ACK (-1)

struct sio_packet {
  enum sio_type type;
  uint32_t attachments;
  bp_str nsp; /* "/" where none is named */
  int64_t ack;
  bp_str json; /* may be empty */
};

/* False for what is no packet. Strings point into `text`. */
bool sio_packet_parse(bp_str text, struct sio_packet *ret);

/* Room for the head of any packet to a namespace of `nsp_len` bytes. */
#define SIO_HEAD_BYTES(nsp_len) ((nsp_len) + 40)
/* Writes "4" and everything before the JSON; gives its length. `attachments` counts for the binary types only. */
size_t sio_packet_head(char *out, enum sio_type type, uint32_t attachments, bp_str nsp, int64_t ack);

#endif
