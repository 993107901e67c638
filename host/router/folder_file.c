/* Files of a plugin's own folder; see folder_file.h. */
#include "router/folder_file.h"
#include "base/fail.h"
#include "base/str.h"
#include "fs/beneath.h"
#include "fs/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Names ---- */

static bool is_plain_component(bp_str part) {
  if (part.len == 0 || part.len > NAME_MAX || str_eq(part, BP_LIT(".")) || str_eq(part, BP_LIT("..")))
    return false;
  for (size_t i = 0; i < part.len; i++)
    if ((unsigned char)part.ptr[i] < 0x20 || part.ptr[i] == 0x7F)
      return false;
  return true;
}

bool folder_path_is_plain(bp_str path) {
  bp_str rest = path;
  bool is_first = true;
  if (path.len == 0 || path.len >= PATH_MAX)
    return false;
  for (;; is_first = false) {
    ptrdiff_t slash = str_find(rest, '/');
    bp_str part = slash < 0 ? rest : bp_str_make(rest.ptr, (size_t)slash);
    if (!is_plain_component(part) || (is_first && str_eq(part, BP_LIT(FOLDER_SPOOL))))
      return false;
    if (slash < 0)
      return true;
    rest = bp_str_make(rest.ptr + slash + 1, rest.len - (size_t)slash - 1);
  }
}

/* ---- Opening beneath ---- */

static bp_status fail_errno(bp_error *err, const char *what, const char *path, int error) {
  bp_status status = BP_E_IO;
  if (error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV || error == ENAMETOOLONG)
    status = BP_E_NOT_FOUND;
  else if (error == EEXIST)
    status = BP_E_EXISTS;
  else if (error == ENOSPC || error == EDQUOT)
    status = BP_E_FULL;
  else if (error == EMFILE || error == ENFILE || error == ENOMEM)
    status = BP_E_BUSY;
  return fail(err, status, "cannot %s \"%s\": %s", what, path, strerror(error));
}

bp_status folder_open(const char *folder, const char *path, int *ret_fd, struct stat *ret_info, bp_error *err) {
  int dir = open(folder, BENEATH_FOLDER);
  if (dir < 0)
    return fail_errno(err, "open folder", folder, errno);
  int fd = beneath_open(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, false);
  int error = errno;
  close(dir);
  if (fd < 0)
    return fail_errno(err, "open", path, error);
  if (fstat(fd, ret_info) != 0 || !S_ISREG(ret_info->st_mode)) {
    close(fd);
    return fail(err, BP_E_NOT_FOUND, "cannot open \"%s\": not a regular file", path);
  }
  *ret_fd = fd;
  return BP_OK;
}

/* Opens the folder that holds `path`, with *ret_name pointing at the last component. With `makes`, missing ones are made. */
static int open_parent(int dir, const char *path, bool makes, const char **ret_name) {
  const char *last = strrchr(path, '/');
  *ret_name = last == NULL ? path : last + 1;
  if (last == NULL)
    return fcntl(dir, F_DUPFD_CLOEXEC, 0);
  char *parent = str_dupz(bp_str_make(path, (size_t)(last - path)));
  int fd = beneath_open(dir, parent, BENEATH_FOLDER, false);
  if (fd < 0 && errno == ENOENT && makes) {
    const char *name;
    int above = open_parent(dir, parent, true, &name);
    if (above >= 0 && (mkdirat(above, name, 0700) == 0 || errno == EEXIST) && fsync(above) == 0)
      fd = beneath_open(dir, parent, BENEATH_FOLDER, false);
    int error = errno;
    if (above >= 0)
      close(above);
    errno = error;
  }
  int error = errno;
  free(parent);
  errno = error;
  return fd;
}

/* ---- Keeping and removing ---- */

int folder_open_spool(const char *folder) {
  int dir = open(folder, BENEATH_FOLDER), fd = -1;
  if (dir < 0)
    return -1;
  if (mkdirat(dir, FOLDER_SPOOL, 0700) == 0 || errno == EEXIST)
    fd = beneath_open(dir, FOLDER_SPOOL, BENEATH_FOLDER, false);
  int error = errno;
  close(dir);
  errno = error;
  return fd;
}

static int keep(int dir, int spool, const char *spool_name, const char *path) {
  const char *name;
  if (!durable_sync_file(spool, spool_name))
    return errno;
  int parent = open_parent(dir, path, true, &name);
  if (parent < 0)
    return errno;
  bool is_kept = durable_move_new(spool, spool_name, parent, name) && fsync(parent) == 0 && fsync(spool) == 0;
  int error = errno;
  close(parent);
  return is_kept ? 0 : error;
}

bp_status folder_keep(const char *folder, const char *spool_name, const char *path, bp_error *err) {
  int dir = open(folder, BENEATH_FOLDER);
  int spool = dir < 0 ? -1 : folder_open_spool(folder);
  int error = spool < 0 ? errno : keep(dir, spool, spool_name, path);
  if (spool >= 0)
    close(spool);
  if (dir >= 0)
    close(dir);
  return error == 0 ? BP_OK : fail_errno(err, "keep the upload as", path, error);
}

bp_status folder_remove(const char *folder, const char *path, bp_error *err) {
  const char *name;
  int dir = open(folder, BENEATH_FOLDER);
  int parent = dir < 0 ? -1 : open_parent(dir, path, false, &name);
  int error = parent < 0 || unlinkat(parent, name, 0) != 0 ? errno : 0;
  if (error == 0 && fsync(parent) != 0)
    error = errno;
  if (parent >= 0)
    close(parent);
  if (dir >= 0)
    close(dir);
  return error == 0 ? BP_OK : fail_errno(err, "remove", path, error);
}
