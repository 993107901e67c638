/* Bytes on the wire: WebSocket frames (server to client, RFC 6455 section 5.2) and event-stream blocks (WHATWG HTML 9.2). */
#ifndef HOST_LIVE_IMAGE_H
#define HOST_LIVE_IMAGE_H

#include "base/frame.h"
#include <stdbool.h>

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* An unfragmented frame. NULL without memory. */
struct frame *image_ws(enum ws_opcode opcode, bp_str payload);
/* A close frame; the reason is cut at 123 bytes. */
struct frame *image_ws_close(uint32_t code, bp_str reason);
/* "id: …\nevent: …\ndata: …\n\n". No id line for id 0, no event line for an empty name (line ends in it are dropped); data is
 * split at its line ends. */
struct frame *image_sse(uint64_t id, bp_str name, bp_str data);
/* Bytes as they are. */
struct frame *image_raw(bp_str bytes);

#endif
