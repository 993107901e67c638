/* The auth gate: every request on every listener passes here before routing. */
#ifndef HOST_AUTH_GATE_H
#define HOST_AUTH_GATE_H

#include "auth/identity.h"
#include <backplane/base.h>
#include <stdbool.h>
#include <sys/socket.h>

struct http_exchange;

/* Owner of the peer of an accepted TCP connection by sock_diag with the exact four-tuple, or SO_PEERCRED on a Unix socket. */
void auth_peer_lookup(int fd, struct auth_peer *ret);
/* True if no process holds the other end of a loopback TCP connection any more; false where the kernel cannot tell. */
bool auth_peer_is_orphan(int fd);
/* The peer of an exchange's connection (kept by the wire). */
const struct auth_peer *http_peer(const struct http_exchange *x);

enum auth_verdict {
  AUTH_PASS,      /* x->who is filled; who->scopes may be 0 on a public path */
  AUTH_PREFLIGHT, /* a CORS preflight that passed: answer 200 with the CORS headers */
  AUTH_REFUSE     /* answer *ret_status with *ret_text in the family's shape */
};
/* Host list -> Origin list -> Fetch-Metadata -> identity. */
enum auth_verdict auth_gate(struct http_exchange *x, unsigned *ret_status, bp_str *ret_text);
/* Adds Access-Control-* and Vary for an origin that passed. */
void auth_cors_headers(struct http_exchange *x, bool credentials, bool is_preflight);

/* Exact origins that may read answers ("http://localhost:5173"); replaces the list. Copied. */
void auth_set_origins(const bp_str *origins, uint32_t count);
/* Opens or creates STATE/admin.token (0600, 32 random bytes as hex) and the token table. */
bp_status auth_init(const char *state_dir, bp_error *err);
void auth_release(void);
/* True for GET and HEAD of the paths that need no identity: /, /health, /ready, and /api/info on a family's own listener. What
 * they may answer without one is still the route's scope to say. */
bool auth_is_public(const struct http_exchange *x);

#endif
