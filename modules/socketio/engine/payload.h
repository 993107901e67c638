/* Engine.IO v4 packets as text: one packet, and HTTP payloads of several separated by 0x1e. Pure functions, nothing is kept. */
#ifndef SOCKETIO_PAYLOAD_H
#define SOCKETIO_PAYLOAD_H

#include <backplane/base.h>
#include <stdbool.h>

#define PACKET_OPEN '0'
#define PACKET_CLOSE '1'
#define PACKET_PING '2'
#define PACKET_PONG '3'
#define PACKET_MESSAGE '4'
#define PACKET_UPGRADE '5'
#define PACKET_NOOP '6'
#define PACKET_BINARY 'b' /* in HTTP payloads: a message in base64 */

#define PAYLOAD_SEPARATOR '\x1e'
#define PAYLOAD_PACKETS_MAX 10000u /* of one request */

struct packet {
  char type;
  bp_str data; /* behind the type; base64 for PACKET_BINARY */
};

/* False for text that is no packet. */
bool packet_parse(bp_str text, struct packet *ret);
/* Steps through a payload: *at begins at 0. False at the end. The text between two separators is not checked. */
bool payload_next(bp_str payload, size_t *at, bp_str *ret);
/* How many packets, or 0 where one of them is no packet or there are too many. */
uint32_t payload_check(bp_str payload);

#endif
