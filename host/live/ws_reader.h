/* Reading a client's WebSocket frames: ws_check's rules first, then libwslay for unmasking, UTF-8 and close codes.
 *
 * A libwslay context takes over 8 KiB, so a connection holds one only in the middle of a frame or message; at rest it is
 * lent to others. The reader therefore costs an idle connection nothing but this struct. */
#ifndef HOST_LIVE_WS_READER_H
#define HOST_LIVE_WS_READER_H

#include "live/ws_check.h"
#include <backplane/base.h>

struct ws_engine;

struct ws_reader_events {
  void (*message)(void *owner, uint32_t type, bp_str data); /* BP_WS_TEXT or BP_WS_BINARY; borrowed */
  void (*ping)(void *owner, bp_str payload);                /* wants a pong with the same payload */
};

struct ws_reader {
  struct ws_check check;
  struct ws_engine *engine; /* in the middle of something */
};

enum ws_reading { WS_GOES_ON, WS_CLOSED_BY_PEER, WS_FAILED };

/* What ended the reading. */
struct ws_end {
  uint32_t code; /* to answer with; from the peer's frame (1005 if it had none) or the reason for failing it */
  char reason[124];
};

/* Takes bytes. After anything but WS_GOES_ON the stream is over: further bytes are not to be fed. The events may not destroy
 * the reader. */
enum ws_reading ws_reader_feed(struct ws_reader *reader, const struct ws_reader_events *events, void *owner, bp_str bytes, struct ws_end *ret_end);
/* True between messages and frames: nothing is half read. */
bool ws_reader_is_at_rest(const struct ws_reader *reader);
/* In the middle of a frame (not merely between fragments). */
bool ws_reader_is_in_frame(const struct ws_reader *reader);
void ws_reader_release(struct ws_reader *reader);
/* Frees the spare contexts. */
void ws_reader_cleanup(void);

#endif
