/* Trust in files that become code; see trust.h. */
#include "loader/trust.h"
#include "base/fail.h"
#include "base/nearest.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `is_folder`: a sticky folder may be writable by all, for nobody but an entry's owner can replace the entry. */
static bp_status check_entry(const struct stat *st, const char *path, bool is_folder, bp_error *err) {
  if (st->st_uid != 0 && st->st_uid != geteuid()) {
    fail(err, BP_E_DENIED, "\"%s\" belongs to user %u: only files and folders of this user (%u) or root are loaded", path, (unsigned)st->st_uid,
         (unsigned)geteuid());
    fail_hint(err, "chown it, or install the module elsewhere");
    return BP_E_DENIED;
  }
  if ((st->st_mode & 022) && !(is_folder && (st->st_mode & S_ISVTX))) {
    fail(err, BP_E_DENIED, "\"%s\" can be written by other users (mode %04o)", path, (unsigned)(st->st_mode & 07777));
    fail_hint(err, "chmod go-w \"%s\"", path);
    return BP_E_DENIED;
  }
  return BP_OK;
}

static bp_status check_folder(int fd, const char *path, bp_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    return fail(err, BP_E_IO, "cannot read \"%s\": %s", path, strerror(errno));
  return check_entry(&st, path, true, err);
}

/* Opens the folder `real` (canonical) component by component, so that what is checked is what is used. */
static int walk_folder(char *real, bp_error *err) {
  int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  bp_status status = fd < 0 ? fail(err, BP_E_IO, "cannot open \"/\": %s", strerror(errno)) : check_folder(fd, "/", err);
  for (char *at = real + 1; status == BP_OK && *at;) {
    char *end = strchrnul(at, '/');
    char after = *end;
    *end = '\0';
    int next = openat(fd, at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(fd);
    fd = next;
    status = fd < 0 ? fail(err, BP_E_IO, "cannot open folder \"%s\": %s", real, strerror(errno)) : check_folder(fd, real, err);
    *end = after;
    at = after ? end + 1 : end;
  }
  if (status == BP_OK)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

/* Says which plugin of the folder may have been meant by `name`. */
static void hint_nearest(int folder, const char *name, bp_error *err) {
  char near[NAME_MAX + 1] = "";
  struct nearest search = {.wanted = str_from(name)};
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    bp_str name_there = str_from(entry->d_name);
    if (!str_ends(name_there, BP_LIT(".so")) || !nearest_offer(&search, name_there))
      continue;
    memcpy(near, search.best.ptr, search.best.len);
    near[search.best.len] = '\0';
    search.best.ptr = near;
  }
  if (near[0])
    fail_hint(err, "did you mean \"%.*s\"?", (int)strlen(near) - 3, near);
  if (entries)
    closedir(entries);
  else if (fd >= 0)
    close(fd);
}

static int open_file(int folder, const char *name, const char *path, struct stat *st, bp_error *err) {
  /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    bool is_missing = errno == ENOENT;
    fail(err, is_missing ? BP_E_NOT_FOUND : BP_E_IO, "cannot open \"%s\": %s", path,
         errno == ELOOP ? "it is a symbolic link; name the file itself" : strerror(errno));
    if (is_missing)
      hint_nearest(folder, name, err);
    return -1;
  }
  bp_status status = BP_OK;
  if (fstat(fd, st) != 0)
    status = fail(err, BP_E_IO, "cannot read \"%s\": %s", path, strerror(errno));
  else if (!S_ISREG(st->st_mode))
    status = fail(err, BP_E_INVALID, "\"%s\" is not a regular file", path);
  else
    status = check_entry(st, path, false, err);
  if (status == BP_OK)
    return fd;
  close(fd);
  return -1;
}

int trust_open(const char *path, struct stat *st, bp_error *err) {
  const char *slash = strrchr(path, '/');
  char *folder_path = slash ? str_dupz(bp_str_make(path, slash == path ? 1 : (size_t)(slash - path))) : str_dupz(BP_LIT("."));
  char real[PATH_MAX];
  int fd = -1;
  if (!realpath(folder_path, real)) {
    fail(err, errno == ENOENT ? BP_E_NOT_FOUND : BP_E_IO, "cannot open \"%s\": %s", path, strerror(errno));
  } else {
    int folder = walk_folder(real, err);
    if (folder >= 0) {
      fd = open_file(folder, slash ? slash + 1 : path, path, st, err);
      close(folder);
    }
  }
  free(folder_path);
  return fd;
}
