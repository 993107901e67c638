/* The gate's checks as plain functions of a request and its peer, so that each can be tested without a socket. Main thread. */
#ifndef HOST_AUTH_CHECKS_H
#define HOST_AUTH_CHECKS_H

#include "auth/gate.h"
#include "http/exchange.h"

struct gate_answer {
  enum auth_verdict verdict;
  unsigned status; /* of a refusal: 401, 403, 421 or 429 */
  bp_str text;     /* static */
};

/* The whole gate: Host, Origin, Fetch-Metadata, identity, in that order. Fills x->who. `peer` may be NULL (unknown). */
struct gate_answer gate_decide(struct http_exchange *x, const struct auth_peer *peer);

/* True if this Host value belongs to this listener (security.md 2.1: what stops DNS rebinding). */
bool gate_host_matches(const struct http_listener *listener, bp_str host);
/* True for an origin of the configured list. */
bool gate_origin_is_listed(bp_str origin);
/* True for a WebSocket handshake. */
bool gate_is_upgrade(const struct http_exchange *x);
/* Walks the comma-separated members of a header value: cuts the first member off *rest. False when none is left. */
bool gate_next_member(bp_str *rest, bp_str *ret);

#endif
