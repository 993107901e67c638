/* Checks a request for a WebSocket before it is accepted, and answers it in the family's shape when it is none. */
#ifndef HOST_LIVE_WS_ANSWER_H
#define HOST_LIVE_WS_ANSWER_H

#include <backplane/base.h>

struct http_exchange;

/* BP_OK and the protocol to confirm. BP_E_INVALID where the client did not offer `wanted` (the request is still open), or
 * where the handshake is bad: then it has been answered with 400 or 426. */
bp_status ws_answer_check(bp_request request, struct http_exchange *x, bp_str wanted, bp_str *ret_protocol);

#endif
