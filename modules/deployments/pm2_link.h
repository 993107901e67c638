/* One of PM2's Unix sockets: connected without waiting, frames in, bytes out, and its end told once. */
#ifndef DEPLOYMENTS_PM2_LINK_H
#define DEPLOYMENTS_PM2_LINK_H

#include "amp.h"

#include <backplane/backplane.h>

#define LINK_WAITING_MOST (4u * 1024 * 1024) /* bytes that the daemon has not taken yet */

struct pm2_link {
  bp_plugin self;
  const bp_loop_1 *loop;
  void *ctx;
  void (*on_frame)(void *ctx, const struct amp_frame *frame); /* must not close the link */
  void (*on_closed)(void *ctx);
  int fd; /* -1: not connected */
  bp_fd_watch watch;
  struct amp input;
  char *output;
  size_t output_len, output_room;
};

/* 0, or the errno of a socket that does not take us. */
int link_open(struct pm2_link *link, const char *path);
bool link_is_open(const struct pm2_link *link);
int64_t link_peer(const struct pm2_link *link); /* the process at the other end; 0: not known */
bool link_send(struct pm2_link *link, const char *bytes, size_t len);
void link_close(struct pm2_link *link); /* tells nobody */

#endif
