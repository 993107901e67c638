/* Listening sockets; see socket.h. */
#include "http/socket.h"
#include "base/fail.h"
#include "http/holder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

bool socket_prepare(int fd, bool is_loopback) {
  int flags = fcntl(fd, F_GETFL), one = 1;
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return false;
  /* Accepted sockets inherit it; a Unix socket knows no such option. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  /* Loopback has no path to model: the plainest congestion control spares the pacing of others (BBR), measured at a sixth of
   * what one small send costs. Where it is not to be had, the system's default stays. */
  if (is_loopback)
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", sizeof("reno") - 1);
  return true;
}

static bp_status fail_taken(const struct http_listener *listener, bp_error *err) {
  pid_t pid;
  char name[32];
  if (port_holder(listener->port, &pid, name))
    fail(err, BP_E_BUSY, "listen on \"%s\" port %u: taken by \"%s\" (pid %d)", listener->address, listener->port, name, (int)pid);
  else
    fail(err, BP_E_BUSY, "listen on \"%s\" port %u: taken by another process", listener->address, listener->port);
  fail_hint(err, "stop it, or start this host with --port-offset N");
  return BP_E_BUSY;
}

static bp_status fail_listen(const struct http_listener *listener, int error, bp_error *err) {
  if (error == EADDRINUSE && !listener->is_unix)
    return fail_taken(listener, err);
  if (listener->is_unix)
    return fail(err, BP_E_IO, "listen on \"%s\": %s", listener->address, strerror(error));
  return fail(err, BP_E_IO, "listen on \"%s\" port %u: %s", listener->address, listener->port, strerror(error));
}

static bool read_address(const struct http_listener *listener, struct sockaddr_storage *ret, socklen_t *ret_len) {
  memset(ret, 0, sizeof(*ret));
  struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
  if (inet_pton(AF_INET, listener->address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(listener->port);
    *ret_len = sizeof(*v4);
    return true;
  }
  if (inet_pton(AF_INET6, listener->address, &v6->sin6_addr) != 1)
    return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(listener->port);
  *ret_len = sizeof(*v6);
  return true;
}

static bp_status open_tcp(const struct http_listener *listener, int *ret_fd, bp_error *err) {
  struct sockaddr_storage address;
  socklen_t len;
  if (!read_address(listener, &address, &len)) {
    fail(err, BP_E_INVALID, "listen on \"%s\": not an IPv4 or IPv6 address", listener->address);
    fail_hint(err, "write 127.0.0.1 or ::1; names are not looked up");
    return BP_E_INVALID;
  }
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0)
    return fail_listen(listener, errno, err);
  bool is_open = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                 (address.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0) &&
                 bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0;
  if (!is_open) {
    int error = errno;
    close(fd);
    return fail_listen(listener, error, err);
  }
  *ret_fd = fd;
  return BP_OK;
}

/* A socket file nobody listens on is left over from a crash. True if the path is free now. */
static bool remove_stale(const struct sockaddr_un *address, bool *ret_is_taken) {
  struct stat info;
  *ret_is_taken = false;
  if (lstat(address->sun_path, &info) != 0)
    return errno == ENOENT;
  if (!S_ISSOCK(info.st_mode)) {
    errno = EEXIST;
    return false;
  }
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return false;
  int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
  *ret_is_taken = result == 0 || errno != ECONNREFUSED;
  close(fd);
  return !*ret_is_taken && unlink(address->sun_path) == 0;
}

static bp_status open_unix(const struct http_listener *listener, int *ret_fd, bp_error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(listener->address);
  if (len == 0 || len >= sizeof(address.sun_path))
    return fail(err, BP_E_INVALID, "listen on \"%s\": the path of a Unix socket has 1 to %zu bytes", listener->address, sizeof(address.sun_path) - 1);
  memcpy(address.sun_path, listener->address, len);
  bool is_taken;
  if (!remove_stale(&address, &is_taken)) {
    if (is_taken)
      return fail(err, BP_E_BUSY, "listen on \"%s\": another process listens there", listener->address);
    return fail_listen(listener, errno, err);
  }
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return fail_listen(listener, errno, err);
  /* The mode of the unbound socket becomes the file's: it is never open to others, not even for a moment. */
  if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
    int error = errno;
    close(fd);
    return fail_listen(listener, error, err);
  }
  *ret_fd = fd;
  return BP_OK;
}

bp_status socket_open(const struct http_listener *listener, int *ret_fd, bp_error *err) {
  return listener->is_unix ? open_unix(listener, ret_fd, err) : open_tcp(listener, ret_fd, err);
}
