/* The address of a `listen` line. Private to host/config. */
#ifndef HOST_CONFIG_ADDRESS_H
#define HOST_CONFIG_ADDRESS_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

struct address {
  char *host;    /* "127.0.0.1", "::1", or a Unix socket's path; owned by the caller */
  uint16_t port; /* 0 for a Unix socket */
  bool is_unix;
  bool is_loopback; /* or a Unix socket */
};

/* "127.0.0.1:8700", "[::1]:8700" or "unix:/path". False with a sentence on what is wrong, and the fix. */
bool address_parse(bp_str text, struct address *ret, const char **ret_wrong, const char **ret_fix);

#endif
