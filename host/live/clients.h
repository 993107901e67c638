/* Subscribers with their connections: a WebSocket or an event stream that watches an audience. */
#ifndef HOST_LIVE_CLIENTS_H
#define HOST_LIVE_CLIENTS_H

#include "live/subscriber.h"

#define SSE_BEAT_S 25u
#define SSE_CONTENT_TYPE "text/event-stream; charset=utf-8"

/* Each answers the exchange and joins the audience (of the right protocol); false if the connection is gone. The caller has
 * checked a WebSocket's handshake. `first` may be empty. */
bool client_open_ws(struct http_exchange *x, struct audience *audience, bp_str protocol, uint64_t from, bp_str first);
/* `retry_ms` 0: no retry line. */
bool client_open_sse(struct http_exchange *x, struct audience *audience, uint64_t from, bp_str first, uint32_t retry_ms);
/* Where to start: Last-Event-ID if there is a well-formed one, else `from`. */
uint64_t client_sse_from(const struct http_exchange *x, uint64_t from);

uint32_t clients_sse_count(void);

#endif
