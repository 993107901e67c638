/* Departed clients; see departed.h. */
#include "http/departed.h"
#include "auth/gate.h"

#include <poll.h>

bool peer_has_departed(int fd) {
  struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
  if (poll(&poll_fd, 1, 0) < 0)
    return false;
  if (poll_fd.revents & (POLLERR | POLLHUP | POLLNVAL))
    return true;
  return (poll_fd.revents & POLLRDHUP) && auth_peer_is_orphan(fd);
}
