/* The host's one inotify descriptor, and the folders it watches, each once however many want to know. Main thread. */
#ifndef HOST_WATCH_SPOTS_H
#define HOST_WATCH_SPOTS_H

#include <backplane/base.h>
#include <stdbool.h>
#include <sys/inotify.h>

struct spot;

/* Who wants to know; embedded. `event` must not call out to plugins; it may leave. */
struct spot_user {
  struct spot_user *next;
  struct spot *spot; /* NULL while it is in none */
  /* `mask`: IN_CREATE, IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE with a name; IN_DELETE_SELF, IN_MOVE_SELF,
   * IN_IGNORED when the folder is not where it was; IN_Q_OVERFLOW for everyone. */
  void (*event)(struct spot_user *user, uint32_t mask, bp_str name);
};

/* False and errno: ENOENT, ENOTDIR, ENOSPC when the kernel's limit of watches is reached. */
bool spot_join(struct spot_user *user, const char *folder);
void spot_leave(struct spot_user *user);
/* Closes the descriptor; nobody is in a spot any more. */
void spots_release(void);

#endif
