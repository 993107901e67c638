/* Departed clients; see departed.h. */
#include "http/departed.h"
#include "auth/gate.h"

#include <poll.h>

bool peer_has_reset(int fd) {
  struct pollfd poll_fd = {.fd = fd};
  return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLERR | POLLHUP | POLLNVAL));
}

bool peer_has_departed(int fd) {
  return peer_has_reset(fd) || auth_peer_is_orphan(fd);
}
