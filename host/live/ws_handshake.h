/* The opening handshake of RFC 6455 section 4.2 on an exchange.
 *
 * Protocols: only one that the handler names is confirmed. A browser that carries its token as an offered protocol
 * ("bp.token.<t>", see host/auth) offers "bp" as well and gets that one confirmed, because it fails the connection when
 * none of its offers is; a token is never echoed. */
#ifndef HOST_LIVE_WS_HANDSHAKE_H
#define HOST_LIVE_WS_HANDSHAKE_H

#include "http/exchange.h"

/* 0 when the request is a good handshake, else the status to refuse it with (400, or 426 for another version), *ret_text
 * being the sentence. */
unsigned ws_handshake_check(const struct http_exchange *x, bp_str *ret_text);
/* The protocol to confirm when the handler asked for `wanted` (may be empty); empty: none. False if the client did not
 * offer `wanted`. */
bool ws_handshake_protocol(const struct http_exchange *x, bp_str wanted, bp_str *ret);
/* Adds the headers of the 101 answer. The request has passed the check. */
void ws_handshake_headers(struct http_exchange *x, bp_str protocol);
/* Adds the headers a refusal with 426 must carry. */
void ws_handshake_refusal_headers(struct http_exchange *x);

#endif
