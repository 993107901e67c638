/* Whole folders; see tree.h. */
#include "fs/tree.h"
#include "base/fail.h"
#include "fs/beneath.h"
#include "fs/job.h"
#include "fs/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool tree_is_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

DIR *tree_read(int dir) {
  int fd = openat(dir, ".", BENEATH_FOLDER);
  DIR *entries = fd < 0 ? NULL : fdopendir(fd);
  if (!entries && fd >= 0)
    close(fd);
  return entries;
}

/* ---- Checking ---- */

struct check {
  struct fs_job *job;
  struct own_ids own;
  unsigned entries;
};

static bp_status check_folder(struct check *check, int dir, unsigned depth);

static bp_status check_entry(struct check *check, int dir, const struct dirent *entry, unsigned depth) {
  struct fs_job *job = check->job;
  struct stat info;
  if (++check->entries > TREE_ENTRIES_MAX)
    return place_refuse(&job->error, BP_E_LIMIT, job->path, "holds more than 100000 entries");
  if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
    return BP_OK;
  if (fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode))
    return BP_OK;
  if (own_ids_has(&check->own, &info))
    return place_refuse(&job->error, BP_E_DENIED, job->path, "holds one of the host's own folders");
  int below = openat(dir, entry->d_name, BENEATH_FOLDER | O_NOFOLLOW);
  if (below < 0)
    return place_fail(&job->error, errno, "read", job->path);
  bp_status status = check_folder(check, below, depth + 1);
  close(below);
  return status;
}

static bp_status check_folder(struct check *check, int dir, unsigned depth) {
  struct fs_job *job = check->job;
  bp_status status = BP_OK;
  if (depth > TREE_DEPTH_MAX)
    return place_refuse(&job->error, BP_E_LIMIT, job->path, "holds folders more than 64 deep");
  DIR *entries = tree_read(dir);
  if (!entries)
    return place_fail(&job->error, errno, "read", job->path);
  for (const struct dirent *entry; status == BP_OK && (entry = readdir(entries));) {
    if (job_should_end(job))
      status = job_ended(job);
    else if (!tree_is_dots(entry->d_name))
      status = check_entry(check, dir, entry, depth);
  }
  closedir(entries);
  return status;
}

bp_status tree_check(struct fs_job *job, int dir) {
  struct check check = {.job = job};
  own_folders_read(&check.own);
  return check_folder(&check, dir, 0);
}

/* ---- Removing ---- */

struct removal {
  bool (*should_end)(const struct fs_job *job);
  const struct fs_job *job;
  unsigned entries;
};

static bool remove_entry(struct removal *removal, int dir, const char *name, unsigned depth);

static bool remove_below(struct removal *removal, int dir, unsigned depth) {
  bool is_done = true;
  DIR *entries = tree_read(dir);
  if (!entries)
    return false;
  for (const struct dirent *entry; is_done && (entry = readdir(entries));)
    if (!tree_is_dots(entry->d_name))
      is_done = remove_entry(removal, dir, entry->d_name, depth);
  int error = errno;
  closedir(entries);
  errno = error;
  return is_done;
}

static bool remove_entry(struct removal *removal, int dir, const char *name, unsigned depth) {
  /* Somebody may go on adding: then it is given up, not followed for ever. */
  bool has_ended = removal->should_end && removal->should_end(removal->job);
  if (depth > TREE_DEPTH_MAX || ++removal->entries > 2 * TREE_ENTRIES_MAX || has_ended) {
    errno = has_ended ? ECANCELED : EFBIG;
    return false;
  }
  if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
    return true;
  if (errno != EISDIR && errno != EPERM)
    return false;
  int below = openat(dir, name, BENEATH_FOLDER | O_NOFOLLOW);
  if (below < 0)
    return false;
  bool is_empty = remove_below(removal, below, depth + 1);
  int error = errno;
  close(below);
  errno = error;
  return is_empty && unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

bool tree_remove(int dir, const char *name, bool (*should_end)(const struct fs_job *job), const struct fs_job *job) {
  struct removal removal = {.should_end = should_end, .job = job};
  return remove_entry(&removal, dir, name, 0);
}
