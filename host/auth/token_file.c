/* Reading and replacing the token files; see token_file.h. What stands in them is the business of tokens.c. */
#include "auth/token_file.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;

static bp_status check_private(int fd, const char *path, struct stat *ret_info, bp_error *err) {
  if (fstat(fd, ret_info) != 0 || !S_ISREG(ret_info->st_mode))
    return fail(err, BP_E_DENIED, "cannot use \"%s\": not a regular file", path);
  if (ret_info->st_uid != geteuid())
    return fail(err, BP_E_DENIED, "cannot use \"%s\": it belongs to another user", path);
  if ((ret_info->st_mode & 077) != 0) {
    (void)fail(err, BP_E_DENIED, "cannot use \"%s\": others may open it", path);
    fail_hint(err, "chmod 600 '%s', and make a new token if others use this machine", path);
    return BP_E_DENIED;
  }
  if (ret_info->st_size > TOKEN_FILE_BYTES_MAX)
    return fail(err, BP_E_LIMIT, "cannot use \"%s\": larger than 1 MiB", path);
  return BP_OK;
}

static bp_status read_all(int fd, char *text, size_t size, size_t *ret_len, const char *path, bp_error *err) {
  size_t len = 0;
  while (len < size) {
    ssize_t n = read(fd, text + len, size - len);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail(err, BP_E_IO, "cannot read \"%s\": %s", path, strerror(errno));
    if (n == 0)
      break;
    len += (size_t)n;
  }
  text[len] = '\0';
  *ret_len = len;
  return BP_OK;
}

bp_status token_file_read(const char *path, char **ret_text, size_t *ret_len, bp_error *err) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT)
    return fail(err, BP_E_NOT_FOUND, "no file \"%s\"", path);
  if (fd < 0)
    return fail(err, BP_E_DENIED, "cannot open \"%s\": %s", path, strerror(errno));
  struct stat info;
  bp_status status = check_private(fd, path, &info, err);
  char *text = status == BP_OK ? malloc((size_t)info.st_size + 1) : NULL;
  if (status == BP_OK && !text)
    status = fail(err, BP_E_NO_MEMORY, "no memory for \"%s\"", path);
  if (text)
    status = read_all(fd, text, (size_t)info.st_size, ret_len, path, err);
  close(fd);
  if (status != BP_OK) {
    free(text);
    return status;
  }
  *ret_text = text;
  return BP_OK;
}

/* A temporary file left by a crash is ours to replace: the folder is 0700. */
static bool replace(const char *path, bp_str text) {
  char beside[PATH_MAX];
  int len = snprintf(beside, sizeof(beside), "%s.new", path);
  if (len < 0 || (size_t)len >= sizeof(beside)) {
    errno = ENAMETOOLONG;
    return false;
  }
  (void)unlink(beside);
  int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  bool is_written = io_write_all(fd, text) && fsync(fd) == 0;
  int error = errno;
  close(fd);
  if (is_written && rename(beside, path) == 0)
    return io_sync_folder_of(path);
  if (is_written)
    error = errno;
  (void)unlink(beside);
  errno = error;
  return false;
}

bp_status token_file_write(const char *path, bp_str text, bp_error *err) {
  pthread_mutex_lock(&write_lock);
  bool is_done = replace(path, text);
  int error = errno;
  pthread_mutex_unlock(&write_lock);
  if (is_done)
    return BP_OK;
  return fail(err, error == ENOSPC || error == EDQUOT ? BP_E_FULL : BP_E_IO, "cannot write \"%s\": %s", path, strerror(error));
}
