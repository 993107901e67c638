/* A non-blocking Unix socket on the host's loop; see pm2_link.h. */
#include "pm2_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536
#define READS_AT_ONCE 8

bool link_is_open(const struct pm2_link *link) {
  return link->fd >= 0;
}

int64_t link_peer(const struct pm2_link *link) {
  struct ucred who = {0};
  socklen_t len = sizeof(who);
  return getsockopt(link->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

void link_close(struct pm2_link *link) {
  if (link->fd < 0)
    return;
  link->loop->fd_cancel(link->watch);
  close(link->fd);
  link->fd = -1;
  amp_release(&link->input);
  free(link->output);
  link->output = NULL;
  link->output_len = link->output_room = 0;
}

static void lose(struct pm2_link *link) {
  link_close(link);
  link->on_closed(link->ctx);
}

/* False: the link is lost. */
static bool take_frames(struct pm2_link *link) {
  struct amp_frame frame;
  enum amp_result result;
  while ((result = amp_next(&link->input, &frame)) == AMP_FRAME)
    link->on_frame(link->ctx, &frame);
  return result == AMP_MORE;
}

static bool read_some(struct pm2_link *link) {
  static char bytes[READ_BYTES]; /* main thread only */
  for (int i = 0; i < READS_AT_ONCE; i++) {
    ssize_t got = recv(link->fd, bytes, sizeof(bytes), 0);
    if (got < 0)
      return errno == EAGAIN || errno == EINTR;
    if (got == 0 || !amp_add(&link->input, bytes, (size_t)got) || !take_frames(link))
      return false;
  }
  return true;
}

static bool write_some(struct pm2_link *link) {
  while (link->output_len > 0) {
    ssize_t sent = send(link->fd, link->output, link->output_len, MSG_NOSIGNAL);
    if (sent < 0)
      return errno == EAGAIN || errno == EINTR;
    link->output_len -= (size_t)sent;
    memmove(link->output, link->output + sent, link->output_len);
  }
  return link->loop->fd_events(link->watch, BP_FD_READ) == BP_OK;
}

static void on_ready(void *ctx, bp_fd_watch watch, int32_t fd, uint32_t events) {
  struct pm2_link *link = ctx;
  (void)watch;
  (void)fd;
  bool is_good = !(events & BP_FD_WRITE) || write_some(link);
  if (!is_good || ((events & BP_FD_READ) && !read_some(link)))
    lose(link);
}

int link_open(struct pm2_link *link, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  if (len >= sizeof(address.sun_path))
    return ENAMETOOLONG;
  memcpy(address.sun_path, path, len + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return errno;
  int error = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
  if (error == 0 && link->loop->fd(link->self, fd, BP_FD_READ, on_ready, link, &link->watch) != BP_OK)
    error = ENOMEM;
  if (error == 0)
    link->fd = fd;
  else
    close(fd);
  return error;
}

bool link_send(struct pm2_link *link, const char *bytes, size_t len) {
  if (link->fd < 0 || link->output_len + len > LINK_WAITING_MOST)
    return false;
  if (link->output_len + len > link->output_room) {
    char *more = realloc(link->output, link->output_len + len);
    if (!more)
      return false;
    link->output = more;
    link->output_room = link->output_len + len;
  }
  memcpy(link->output + link->output_len, bytes, len);
  link->output_len += len;
  return link->loop->fd_events(link->watch, BP_FD_READ | BP_FD_WRITE) == BP_OK;
}
