/* Making listening sockets: addresses, options, Unix paths, and errors that say what to do. */
#ifndef HOST_HTTP_SOCKET_H
#define HOST_HTTP_SOCKET_H

#include "http/listener.h"

/* A bound and listening socket in *ret_fd. */
bp_status socket_open(const struct http_listener *listener, int *ret_fd, bp_error *err);
/* Non-blocking, CLOEXEC, TCP_NODELAY, plain congestion control on loopback: for every listening socket, opened here or inherited. */
bool socket_prepare(int fd, bool is_loopback);

#endif
