/* bp.ws/1: WebSocket messages (RFC 6455) on a route with BP_ROUTE_WEBSOCKET. The host owns the handshake, frames, UTF-8
 * checks, pings (25 s, dead after 60 s), the size limits and the close handshake; no extension is ever negotiated. */
#ifndef BACKPLANE_WS_H
#define BACKPLANE_WS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_WS_1 "bp.ws/1"

#define BP_WS_TEXT 1u
#define BP_WS_BINARY 2u

typedef struct bp_ws_events {
  uint32_t size;
  uint32_t reserved;
  void (*message)(void *ctx, bp_ws ws, uint32_t type, bp_str data); /* a whole message, borrowed [main] */
  void (*drained)(void *ctx, bp_ws ws);                             /* nothing waits to be written any more [main] */
  /* The connection is over and the handle stale. `code` as in RFC 6455 section 7.4; 1006 where no close frame came. [main] */
  void (*closed)(void *ctx, bp_ws ws, uint32_t code, bp_str reason);
} bp_ws_events;

typedef struct bp_ws_1 {
  uint32_t size;

  /* Answers 101 and finishes the request. `protocol` is one of the client's offers, or empty. [main] */
  bp_status (*accept)(bp_request request, bp_str protocol, const bp_ws_events *events, void *ctx, bp_ws *ret);
  /* Queues one message (copied); it leaves at the end of the tick. BP_E_BUSY when 1 MiB waits. TEXT must be UTF-8. [main] */
  bp_status (*send)(bp_ws ws, uint32_t type, bp_str data);
  uint64_t (*buffered)(bp_ws ws); /* bytes not yet taken by the kernel */
  bp_status (*pause)(bp_ws ws);   /* stops reading from the socket */
  bp_status (*resume)(bp_ws ws);
  /* Starts the close handshake; `closed` follows. `reason` at most 123 bytes. */
  bp_status (*close)(bp_ws ws, uint32_t code, bp_str reason);

  /* `send` of one message to `count` connections: checked once, copied once, and shared. `ret_waiting` (may be NULL) has room for
   * `count` numbers: the bytes that waited on each connection before, or UINT64_MAX where the message was not queued (stale,
   * closing, 1 MiB waits). A failure means that nothing was queued anywhere. [main] */
  bp_status (*send_many)(const bp_ws *sockets, uint32_t count, uint32_t type, bp_str data, uint64_t *ret_waiting);
} bp_ws_1;

#ifdef __cplusplus
}
#endif

#endif
