/* Copying files and folders: into a temporary name beside the target, then renamed, so that a copy is there as a whole or
 * not at all. Links are copied as links; sockets, pipes and devices are refused. Part of job.h. */
#include "fs/copy.h"
#include "base/fail.h"
#include "base/io.h"
#include "fs/beneath.h"
#include "fs/change.h"
#include "fs/durable.h"
#include "fs/job.h"
#include "fs/temps.h"
#include "fs/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)8 * 1024 * 1024)
#define BUFFER_BYTES ((size_t)64 * 1024)

/* ---- Bytes ---- */

/* For pairs of file systems that cannot copy in the kernel. */
static bool copy_by_hand(const struct fs_job *job, int from, int to) {
  char *buffer = malloc(BUFFER_BYTES);
  ssize_t got = buffer ? 1 : -1;
  while (got > 0) {
    got = read(from, buffer, BUFFER_BYTES);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0 && job_should_end(job)) {
      errno = ECANCELED;
      got = -1;
    } else if (got > 0 && !io_write_all(to, bp_str_make(buffer, (size_t)got)))
      got = -1;
  }
  int error = errno;
  free(buffer);
  errno = error;
  return got == 0;
}

static bool needs_hand(int error) {
  return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
}

bool copy_bytes(const struct fs_job *job, int from, int to) {
  for (;;) {
    if (job_should_end(job)) {
      errno = ECANCELED;
      return false;
    }
    ssize_t copied = copy_file_range(from, NULL, to, NULL, PIECE_BYTES, 0);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied < 0)
      return needs_hand(errno) && copy_by_hand(job, from, to);
    if (copied == 0)
      return copy_by_hand(job, from, to); /* the end, or a file of a kind that only read() can see */
  }
}

/* ---- Entries ---- */

static bp_status copy_failed(struct fs_job *job) {
  return errno == ECANCELED ? job_ended(job) : place_fail(&job->error, errno, "copy", job->path);
}

static bp_status copy_file(struct fs_job *job, int from, const struct stat *info, int to, const char *name) {
  int fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return copy_failed(job);
  bool is_copied = copy_bytes(job, from, fd) && fchmod(fd, info->st_mode & 0777) == 0 && fsync(fd) == 0;
  int error = errno;
  close(fd);
  errno = error;
  if (is_copied)
    job->total += (uint64_t)info->st_size;
  return is_copied ? BP_OK : copy_failed(job);
}

static bp_status copy_link(struct fs_job *job, int from, const char *name, int to) {
  char target[PATH_MAX];
  ssize_t len = readlinkat(from, name, target, sizeof(target) - 1);
  if (len < 0)
    return copy_failed(job);
  target[len] = '\0';
  return symlinkat(target, to, name) == 0 ? BP_OK : copy_failed(job);
}

static bp_status copy_below(struct fs_job *job, int from, int to, unsigned depth);

static bp_status copy_folder(struct fs_job *job, int from, const struct stat *info, int to, const char *name, unsigned depth) {
  if (depth > TREE_DEPTH_MAX)
    return place_refuse(&job->error, BP_E_LIMIT, job->path, "holds folders more than 64 deep");
  if (mkdirat(to, name, 0700) != 0)
    return copy_failed(job);
  int made = openat(to, name, BENEATH_FOLDER | O_NOFOLLOW);
  if (made < 0)
    return copy_failed(job);
  bp_status status = copy_below(job, from, made, depth);
  if (status == BP_OK && (fchmod(made, (info->st_mode & 0777) | 0700) != 0 || fsync(made) != 0))
    status = copy_failed(job);
  close(made);
  return status;
}

/* What was opened is what is checked and copied. */
static bp_status copy_opened(struct fs_job *job, int fd, int to, const char *name, unsigned depth) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return copy_failed(job);
  bp_status status = place_check(job->root, &info, job->path, &job->error);
  if (status != BP_OK)
    return status;
  if (S_ISREG(info.st_mode))
    return copy_file(job, fd, &info, to, name);
  if (S_ISDIR(info.st_mode))
    return copy_folder(job, fd, &info, to, name, depth + 1);
  return place_refuse(&job->error, BP_E_DENIED, job->path, "is or holds something that is neither file, folder nor link");
}

static bp_status copy_one(struct fs_job *job, int from, const struct dirent *entry, int to, unsigned depth) {
  struct stat info;
  if (fstatat(from, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? BP_OK : copy_failed(job);
  if (S_ISLNK(info.st_mode))
    return copy_link(job, from, entry->d_name, to);
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
    return place_refuse(&job->error, BP_E_DENIED, job->path, "holds something that is neither file, folder nor link");
  int fd = openat(from, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return copy_failed(job);
  bp_status status = copy_opened(job, fd, to, entry->d_name, depth);
  close(fd);
  return status;
}

static bp_status copy_below(struct fs_job *job, int from, int to, unsigned depth) {
  bp_status status = BP_OK;
  DIR *entries = tree_read(from);
  if (!entries)
    return copy_failed(job);
  for (const struct dirent *entry; status == BP_OK && (entry = readdir(entries));) {
    if (tree_is_dots(entry->d_name))
      continue;
    if (++job->count > TREE_ENTRIES_MAX)
      status = place_refuse(&job->error, BP_E_LIMIT, job->path, "holds more than 100000 entries");
    else
      status = job_should_end(job) ? job_ended(job) : copy_one(job, from, entry, to, depth);
  }
  closedir(entries);
  return status;
}

/* ---- The operation ---- */

/* True if the folder is `info` or lies below it: a copy into itself would have no end. */
static bool lies_in(int folder, const struct stat *info) {
  struct stat at = {0}, above;
  int fd = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  bool is_in = false, goes_on = fd >= 0 && fstat(fd, &at) == 0;
  while (goes_on && !is_in) {
    is_in = at.st_ino == info->st_ino && at.st_dev == info->st_dev;
    int next = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(fd);
    fd = next;
    goes_on = fd >= 0 && fstat(fd, &above) == 0 && (above.st_ino != at.st_ino || above.st_dev != at.st_dev);
    at = above;
  }
  if (fd >= 0)
    close(fd);
  return is_in;
}

static bp_status check_source(struct fs_job *job, int from, const struct stat *info, const struct place *to) {
  mode_t mode;
  if (!S_ISDIR(info->st_mode))
    return change_check_target(job, to, job->other, &mode);
  if (!(job->flags & BP_FS_RECURSIVE))
    return place_refuse(&job->error, BP_E_TYPE, job->path, "is a folder: ask for the whole tree");
  if (lies_in(to->folder, info))
    return place_refuse(&job->error, BP_E_INVALID, job->path, "cannot be copied into itself");
  if (faccessat(to->folder, to->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return place_refuse(&job->error, BP_E_EXISTS, job->other, "is there already");
  return tree_check(job, from);
}

static bp_status copy_to(struct fs_job *job, int from, const struct stat *info, const struct place *to) {
  char temp[DURABLE_TEMP_BYTES];
  bp_status status = check_source(job, from, info, to);
  if (status != BP_OK)
    return status;
  durable_temp_name(temp);
  temps_note(to->folder, temp);
  status = copy_opened(job, from, to->folder, temp, 0);
  if (status == BP_OK)
    status = change_move(job, to->folder, temp, to, job->other);
  if (status != BP_OK)
    (void)tree_remove(to->folder, temp, NULL, NULL);
  temps_forget(temp);
  job->count = 0;
  return status;
}

/* Opens the source whichever it is: a file first, as it mostly is. */
static bp_status open_source(struct fs_job *job, int *ret_fd, struct stat *ret_info) {
  bp_status status = place_open(job->root, job->path, S_IFREG, ret_fd, ret_info, &job->error);
  if (status == BP_E_TYPE)
    status = place_open(job->root, job->path, S_IFDIR, ret_fd, ret_info, &job->error);
  if (status != BP_OK || !S_ISDIR(ret_info->st_mode))
    return status;
  status = place_check_git(job->root, *ret_fd, job->path, &job->error);
  if (status != BP_OK)
    close(*ret_fd);
  return status;
}

bp_status copy_entry(struct fs_job *job) {
  struct place to;
  struct stat info;
  int from = -1;
  bp_status status = open_source(job, &from, &info);
  if (status != BP_OK)
    return status;
  status = place_find(job->root, job->other, job->flags & BP_FS_PARENTS ? PLACE_MAKE : PLACE_WRITE, &to, &job->error);
  if (status == BP_OK) {
    status = copy_to(job, from, &info, &to);
    place_release(&to);
  }
  close(from);
  return status;
}
