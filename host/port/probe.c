/* Binding and letting go; see probe.h. */
#include "port/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* 0, or the error. SO_REUSEADDR: connections that linger in TIME_WAIT do not count; sockets that listen still do. */
static int try_bind(const struct sockaddr *address, socklen_t len) {
  int one = 1;
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return errno;
  bool is_bound = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                  (address->sa_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0) &&
                  bind(fd, address, len) == 0;
  int error = is_bound ? 0 : errno;
  close(fd);
  return error;
}

bool port_is_free(uint16_t port, int *ret_errno) {
  const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int error = try_bind((const struct sockaddr *)&v4, sizeof(v4));
  if (error == 0)
    error = try_bind((const struct sockaddr *)&v6, sizeof(v6));
  if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) /* a machine without IPv6 */
    error = 0;
  *ret_errno = error;
  return error == 0;
}
