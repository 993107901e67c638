/* A WebSocket connection: messages in and out, pings, the close handshake. Who uses it (a plugin through bp.ws, or a
 * subscriber of the live log) hangs on as a `ws_user`. */
#ifndef HOST_LIVE_WS_H
#define HOST_LIVE_WS_H

#include "live/image.h"
#include "live/outlet.h"
#include "live/ws_reader.h"

#define WS_PING_S 25u
#define WS_DEAD_S 60u  /* without a byte from the peer */
#define WS_FRAME_S 10u /* in the middle of a frame */

#define WS_GOING_AWAY 1001u
#define WS_NO_STATUS 1005u
#define WS_ABNORMAL 1006u
#define WS_POLICY 1008u
#define WS_TRY_AGAIN 1013u

struct ws;
struct ws_user {
  void (*message)(struct ws *ws, uint32_t type, bp_str data);  /* NULL: messages are dropped */
  void (*drained)(struct ws *ws);                              /* nothing waits any more */
  void (*closed)(struct ws *ws, uint32_t code, bp_str reason); /* exactly once; nothing can be sent any more */
  void (*gone)(struct ws *ws);                                 /* always last: free what the ws is part of */
};

struct ws {
  struct outlet out;
  const struct ws_user *user;
  struct ws_reader reader;
  uint32_t heard_s;
  uint32_t pong_bytes; /* queued behind a blocked socket */
  bool is_closing : 1; /* a close frame has been queued */
  bool is_over : 1;    /* `closed` has been called */
  bool paused_by_user : 1;
  bool paused_for_pongs : 1;
};

/* Answers 101 (the handshake has been checked) and takes the connection. `ws` is zeroed memory that `user->gone` frees.
 * False: the connection is gone and nothing will be called. */
bool ws_open(struct ws *ws, const struct ws_user *user, struct http_exchange *x, bp_str protocol);
/* Queues a frame unless the connection is closing. */
bool ws_send(struct ws *ws, struct frame *frame);
/* Starts the close handshake; what waits is still sent before it. */
void ws_close(struct ws *ws, uint32_t code, bp_str reason);
/* Says so and closes without waiting for the peer's answer, dropping what a peer that does not read has not taken. */
void ws_cut(struct ws *ws, uint32_t code, bp_str reason);
void ws_pause(struct ws *ws, bool pause);
uint32_t ws_count(void);

#endif
