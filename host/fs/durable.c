/* Durable changes; see durable.h. */
#include "fs/durable.h"
#include "loader/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void durable_temp_name(char ret[DURABLE_TEMP_BYTES]) {
  unsigned long long number;
  core_table.random_bytes(&number, sizeof(number));
  snprintf(ret, DURABLE_TEMP_BYTES, ".backplane-%016llx.tmp", number);
}

static bool sync_and_close(int fd) {
  bool is_synced = fd >= 0 && fsync(fd) == 0;
  int error = errno;
  if (fd >= 0)
    close(fd);
  errno = error;
  return is_synced;
}

bool durable_sync_file(int dir, const char *name) {
  return sync_and_close(openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

bool durable_sync_folder(int dir) {
  return sync_and_close(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* Some file systems cannot rename without overwriting; a link refuses a taken name everywhere. */
bool durable_move_new(int from, const char *old_name, int to, const char *new_name) {
  if (renameat2(from, old_name, to, new_name, RENAME_NOREPLACE) == 0)
    return true;
  int error = errno;
  if (error != EINVAL && error != ENOSYS)
    return false;
  if (linkat(from, old_name, to, new_name, 0) == 0)
    return unlinkat(from, old_name, 0) == 0;
  if (errno == EPERM) /* a folder: it was the rename that could not be */
    errno = error;
  return false;
}
