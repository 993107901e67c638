/* Writing, making folders, renaming, removing. Everything that is replaced or appears does so at once, by a rename. Part of
 * job.h. */
#include "fs/change.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/str.h"
#include "fs/beneath.h"
#include "fs/durable.h"
#include "fs/job.h"
#include "fs/temps.h"
#include "fs/tree.h"
#include "loader/tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRASH_TRIES 8

static enum place_use use_of(const struct fs_job *job) {
  return job->flags & BP_FS_PARENTS ? PLACE_MAKE : PLACE_WRITE;
}

bp_status change_check_target(struct fs_job *job, const struct place *place, const char *path, mode_t *ret_mode) {
  struct stat info;
  *ret_mode = 0;
  if (fstatat(place->folder, place->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? BP_OK : place_fail(&job->error, errno, "find", path);
  bp_status status = place_check(job->root, &info, path, &job->error);
  if (status != BP_OK)
    return status;
  if (S_ISDIR(info.st_mode))
    return place_refuse(&job->error, BP_E_EXISTS, path, "is a folder");
  if (!S_ISREG(info.st_mode))
    return place_refuse(&job->error, BP_E_DENIED, path, "is a link or no plain file: it is not replaced");
  if (!(job->flags & BP_FS_OVERWRITE))
    return place_refuse(&job->error, BP_E_EXISTS, path, "is there already");
  *ret_mode = info.st_mode & 0777;
  return BP_OK;
}

bp_status change_move(struct fs_job *job, int from, const char *name, const struct place *place, const char *path) {
  bool is_moved =
      job->flags & BP_FS_OVERWRITE ? renameat(from, name, place->folder, place->name) == 0 : durable_move_new(from, name, place->folder, place->name);
  if (is_moved && durable_sync_folder(place->folder))
    return BP_OK;
  if (errno == EXDEV)
    return place_refuse(&job->error, BP_E_UNSUPPORTED, path, "is on another file system: copy it there, then remove it");
  return place_fail(&job->error, errno, "put in place", path);
}

/* ---- write ---- */

static bool fill(int fd, const struct buf *data, mode_t mode) {
  return io_write_all(fd, buf_str(data)) && (mode == 0 || fchmod(fd, mode) == 0) && fsync(fd) == 0;
}

/* A failed fsync means that the file may not be on disk: it is given up, not tried again. */
static bp_status write_place(struct fs_job *job, const struct place *place) {
  char temp[DURABLE_TEMP_BYTES];
  mode_t mode;
  bp_status status = change_check_target(job, place, job->path, &mode);
  if (status != BP_OK)
    return status;
  durable_temp_name(temp);
  temps_note(place->folder, temp);
  int fd = openat(place->folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    status = place_fail(&job->error, errno, "write", job->path);
    temps_forget(temp);
    return status;
  }
  if (!fill(fd, &job->data, mode))
    status = place_fail(&job->error, errno, "write", job->path);
  close(fd);
  if (status == BP_OK)
    status = change_move(job, place->folder, temp, place, job->path);
  if (status != BP_OK)
    unlinkat(place->folder, temp, 0);
  temps_forget(temp);
  job->total = job->data.len;
  return status;
}

bp_status change_write(struct fs_job *job) {
  struct place place;
  bp_status status = place_find(job->root, job->path, use_of(job), &place, &job->error);
  if (status != BP_OK)
    return status;
  status = write_place(job, &place);
  place_release(&place);
  return status;
}

/* ---- mkdir ---- */

bp_status change_mkdir(struct fs_job *job) {
  struct place place;
  bp_status status = place_find(job->root, job->path, use_of(job), &place, &job->error);
  if (status != BP_OK)
    return status;
  if (mkdirat(place.folder, place.name, 0700) != 0 || !durable_sync_folder(place.folder))
    status = place_fail(&job->error, errno, "make folder", job->path);
  place_release(&place);
  return status;
}

/* ---- rename ---- */

static bp_status check_replaced(struct fs_job *job, const struct place *to) {
  struct stat info;
  if (!(job->flags & BP_FS_OVERWRITE))
    return BP_OK;
  bp_status status = place_stat_movable(job->root, to, job->other, &info, &job->error);
  return status == BP_E_NOT_FOUND ? BP_OK : status;
}

static bp_status rename_places(struct fs_job *job, const struct place *from, const struct place *to) {
  struct stat info;
  bp_status status = place_stat_movable(job->root, from, job->path, &info, &job->error);
  if (status == BP_OK)
    status = check_replaced(job, to);
  if (status == BP_OK)
    status = change_move(job, from->folder, from->name, to, job->other);
  if (status == BP_OK && !durable_sync_folder(from->folder))
    status = place_fail(&job->error, errno, "leave", job->path);
  return status;
}

bp_status change_rename(struct fs_job *job) {
  struct place from, to;
  bp_status status = place_find(job->root, job->path, PLACE_WRITE, &from, &job->error);
  if (status != BP_OK)
    return status;
  status = place_find(job->root, job->other, use_of(job), &to, &job->error);
  if (status == BP_OK) {
    status = rename_places(job, &from, &to);
    place_release(&to);
  }
  place_release(&from);
  return status;
}

/* ---- remove ---- */

/* "<time>-<name>", sortable, cut to what a file system takes. */
static void trash_name(const char *name, char ret[NAME_MAX + 1]) {
  int64_t now_ns = core_table.now_wall_ns();
  time_t now = (time_t)(now_ns / 1000000000);
  struct tm utc;
  char stamp[32];
  gmtime_r(&now, &utc);
  strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &utc);
  int len = snprintf(ret, NAME_MAX + 1, "%s.%09dZ-%s", stamp, (int)(now_ns % 1000000000), name);
  if (len > NAME_MAX)
    while (((unsigned char)ret[strlen(ret) - 1] & 0x80) != 0)
      ret[strlen(ret) - 1] = '\0';
}

static bp_status move_to_trash(struct fs_job *job, const struct place *place) {
  int root = job->root->fd;
  if (mkdirat(root, TRASH_FOLDER, 0700) != 0 && errno != EEXIST)
    return place_fail(&job->error, errno, "make", TRASH_FOLDER);
  struct place trash = {.folder = beneath_open(root, TRASH_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC, false)};
  if (trash.folder < 0)
    return place_fail(&job->error, errno, "open", TRASH_FOLDER);
  bool is_moved = false;
  for (unsigned tries = 0; !is_moved && tries < TRASH_TRIES; tries++) {
    trash_name(place->name, trash.name);
    is_moved = durable_move_new(place->folder, place->name, trash.folder, trash.name);
    if (!is_moved && errno != EEXIST)
      break;
  }
  bp_status status = BP_OK;
  if (!is_moved && errno == EXDEV)
    status = place_refuse(&job->error, BP_E_UNSUPPORTED, job->path, "is on another file system than the trash: remove it for good instead");
  else if (!is_moved || !durable_sync_folder(trash.folder) || !durable_sync_folder(place->folder))
    status = place_fail(&job->error, errno, "move to the trash", job->path);
  place_release(&trash);
  return status;
}

static bp_status remove_folder(struct fs_job *job, const struct place *place) {
  if (!(job->flags & BP_FS_RECURSIVE))
    return unlinkat(place->folder, place->name, AT_REMOVEDIR) == 0 ? BP_OK : place_fail(&job->error, errno, "remove", job->path);
  int dir = openat(place->folder, place->name, BENEATH_FOLDER | O_NOFOLLOW);
  if (dir < 0)
    return place_fail(&job->error, errno, "remove", job->path);
  bp_status status = tree_check(job, dir);
  close(dir);
  if (status == BP_OK && !tree_remove(place->folder, place->name, job_should_end, job))
    status = errno == ECANCELED ? job_ended(job) : place_fail(&job->error, errno, "remove all of", job->path);
  return status;
}

static bp_status remove_place(struct fs_job *job, const struct place *place) {
  struct stat info;
  bp_status status = place_stat_movable(job->root, place, job->path, &info, &job->error);
  if (status != BP_OK)
    return status;
  bool is_trash = place->is_top && strcmp(place->name, TRASH_FOLDER) == 0;
  if (job->flags & BP_FS_TRASH)
    return is_trash ? place_refuse(&job->error, BP_E_INVALID, job->path, "is the trash itself") : move_to_trash(job, place);
  if (S_ISDIR(info.st_mode))
    status = remove_folder(job, place);
  else if (unlinkat(place->folder, place->name, 0) != 0)
    status = place_fail(&job->error, errno, "remove", job->path);
  if (status == BP_OK && !durable_sync_folder(place->folder))
    status = place_fail(&job->error, errno, "remove", job->path);
  return status;
}

bp_status change_remove(struct fs_job *job) {
  struct place place;
  bp_status status = place_find(job->root, job->path, PLACE_WRITE, &place, &job->error);
  if (status != BP_OK)
    return status;
  status = remove_place(job, &place);
  place_release(&place);
  return status;
}
