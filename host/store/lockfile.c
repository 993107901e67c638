/* The lock of a state folder; see lockfile.h. */
#include "store/lockfile.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void refuse(int fd, const char *state_dir, bp_error *err) {
  char text[32];
  ssize_t len = pread(fd, text, sizeof(text), 0);
  int64_t pid = 0;
  if (len > 0)
    str_to_i64(str_trim(bp_str_make(text, (size_t)len - (text[len - 1] == '\n'))), &pid);
  fail(err, BP_E_STATE, "the state folder \"%s\" is in use by process %lld", state_dir, (long long)pid);
  fail_hint(err, "stop it first, or use another folder with --state");
}

static void write_pid(int fd) {
  char text[32];
  int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
    return; /* only information: the lock itself is held */
}

int lockfile_take(const char *state_dir, bp_error *err) {
  struct buf path = {0};
  buf_printf(&path, "%s/lock", state_dir);
  buf_append_char(&path, '\0');
  int fd = path.failed ? -1 : open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    fail(err, BP_E_IO, "opening the lock file \"%s\" failed: %s", path.failed ? "" : path.data, strerror(errno));
  buf_release(&path);
  if (fd < 0)
    return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      refuse(fd, state_dir, err);
    else
      fail(err, BP_E_IO, "locking the state folder \"%s\" failed: %s", state_dir, strerror(errno));
    close(fd);
    return -1;
  }
  write_pid(fd);
  return fd;
}

void lockfile_drop(int fd) {
  if (fd >= 0)
    close(fd);
}
