/* Opening a path beneath a folder: the one place in the host that resolves a path somebody else has given.
 *
 * The kernel does it (openat2 with RESOLVE_BENEATH): no way out by "..", by an absolute path, by a link or by a magic link,
 * also while somebody swaps folders. What may be opened at all is decided by the callers. All of it blocks: on a worker. */
#ifndef HOST_FS_BENEATH_H
#define HOST_FS_BENEATH_H

#include <fcntl.h>
#include <stdbool.h>

#define BENEATH_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* A descriptor, or -1 and errno: EXDEV for a way out, ELOOP for a link where `follows_links` is false. */
int beneath_open(int dir, const char *path, int flags, bool follows_links);
/* What beneath_open does on kernels and in sandboxes without openat2: one component at a time, never following a link. */
int beneath_open_by_steps(int dir, const char *path, int flags);

#endif
