/* Writing all, and making names last; see io.h. */
#include "base/io.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool io_write_all(int fd, bp_str bytes) {
  while (bytes.len > 0) {
    ssize_t written = write(fd, bytes.ptr, bytes.len);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes = bp_str_make(bytes.ptr + written, bytes.len - (size_t)written);
  }
  return true;
}

bool io_sync_folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = str_dupz(slash ? bp_str_make(path, slash == path ? 1 : (size_t)(slash - path)) : BP_LIT("."));
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  free(folder);
  if (fd < 0)
    return false;
  bool is_synced = fsync(fd) == 0;
  int error = errno;
  close(fd);
  errno = error;
  return is_synced;
}
