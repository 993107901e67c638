/* Who a request comes from: the result of the auth gate, and what is known of a connection's peer. */
#ifndef HOST_AUTH_IDENTITY_H
#define HOST_AUTH_IDENTITY_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SCOPE_READ 1u
#define SCOPE_WRITE 2u
#define SCOPE_ADMIN 4u

/* The other end of a connection, looked up once right after accept. */
struct auth_peer {
  bool is_known; /* ESTABLISHED with an inode that is not 0, or SO_PEERCRED */
  bool is_unix;
  uid_t uid;
};

struct auth_identity {
  uint32_t scopes;     /* SCOPE_*; 0: nobody */
  char principal[48];  /* "uid:1000", "token:<id>", "session:<id>", or "" */
  bool origin_allowed; /* an Origin was sent and passed: CORS headers are due */
};

#endif
