/* Which addresses are public: for requests that must not reach into this machine or its networks. */
#ifndef HOST_CLIENT_ADDRESS_H
#define HOST_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for anything but global unicast: loopback, private, link-local (with the metadata services), shared, multicast,
 * reserved and documentation ranges (RFC 6890), and IPv6 forms that carry such an IPv4 address. */
bool address_is_public(const struct sockaddr *address);

#endif
