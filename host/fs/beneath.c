/* Opening beneath a folder; see beneath.h. */
#include "fs/beneath.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RACE_RETRIES 3

static void close_keeping_errno(int fd) {
  int error = errno;
  close(fd);
  errno = error;
}

/* One folder down; the same refusals as the kernel's. */
static int step(int at, const char *part, size_t len) {
  char name[NAME_MAX + 1];
  if (len > NAME_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(name, part, len);
  name[len] = '\0';
  if (strcmp(name, "..") == 0) {
    errno = EXDEV;
    return -1;
  }
  return openat(at, len == 0 ? "." : name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int beneath_open_by_steps(int dir, const char *path, int flags) {
  int at = dir;
  if (path[0] == '/') {
    errno = EXDEV;
    return -1;
  }
  for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
    int next = step(at, path, (size_t)(slash - path));
    if (at != dir)
      close_keeping_errno(at);
    if (next < 0)
      return -1;
    at = next;
  }
  bool leads_up = strcmp(path, "..") == 0;
  int fd = leads_up ? -1 : openat(at, path[0] == '\0' ? "." : path, flags | O_NOFOLLOW);
  if (leads_up)
    errno = EXDEV;
  if (at != dir)
    close_keeping_errno(at);
  return fd;
}

int beneath_open(int dir, const char *path, int flags, bool follows_links) {
  const struct open_how how = {.flags = (unsigned long long)(unsigned)flags,
                               .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (follows_links ? 0 : RESOLVE_NO_SYMLINKS)};
  for (int tries = 0;; tries++) {
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
    if (fd >= 0)
      return (int)fd;
    if (errno == ENOSYS)
      return beneath_open_by_steps(dir, path, flags);
    if (errno != EAGAIN || tries == RACE_RETRIES)
      return -1;
  }
}
