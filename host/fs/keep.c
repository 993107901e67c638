/* Keeping a spooled part of an upload beneath a root. Part of job.h. */
#include "fs/beneath.h"
#include "fs/change.h"
#include "fs/copy.h"
#include "fs/durable.h"
#include "fs/job.h"
#include "fs/temps.h"
#include "router/folder_file.h"

#include <errno.h>
#include <unistd.h>

/* The spool lies on another file system: its bytes are copied to a temporary name beside the target first. */
static bp_status copy_over(struct fs_job *job, int spool, const struct place *place, char temp[DURABLE_TEMP_BYTES]) {
  durable_temp_name(temp);
  temps_note(place->folder, temp);
  int from = openat(spool, job->spool_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  int to = from < 0 ? -1 : openat(place->folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool is_copied = to >= 0 && copy_bytes(job, from, to) && fsync(to) == 0;
  int error = errno;
  if (from >= 0)
    close(from);
  if (to >= 0)
    close(to);
  if (is_copied)
    return BP_OK;
  if (to >= 0)
    unlinkat(place->folder, temp, 0);
  temps_forget(temp);
  return error == ECANCELED ? job_ended(job) : place_fail(&job->error, error, "keep the upload as", job->path);
}

static bp_status keep_by_copy(struct fs_job *job, int spool, const struct place *place) {
  char temp[DURABLE_TEMP_BYTES];
  bp_status status = copy_over(job, spool, place, temp);
  if (status != BP_OK)
    return status;
  status = change_move(job, place->folder, temp, place, job->path);
  unlinkat(status == BP_OK ? spool : place->folder, status == BP_OK ? job->spool_name : temp, 0);
  temps_forget(temp);
  return status;
}

static bool is_same_device(int a, int b) {
  struct stat left, right;
  return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_dev == right.st_dev;
}

static bp_status keep_place(struct fs_job *job, int spool, const struct place *place) {
  mode_t mode;
  bp_status status = change_check_target(job, place, job->path, &mode);
  if (status != BP_OK)
    return status;
  if (!is_same_device(spool, place->folder))
    return keep_by_copy(job, spool, place);
  if (!durable_sync_file(spool, job->spool_name))
    return place_fail(&job->error, errno, "keep the upload as", job->path);
  status = change_move(job, spool, job->spool_name, place, job->path);
  if (status == BP_OK && !durable_sync_folder(spool))
    status = place_fail(&job->error, errno, "keep the upload as", job->path);
  return status;
}

bp_status change_keep_part(struct fs_job *job) {
  struct place place;
  bp_status status = place_find(job->root, job->path, job->flags & BP_FS_PARENTS ? PLACE_MAKE : PLACE_WRITE, &place, &job->error);
  if (status != BP_OK)
    return status;
  int spool = folder_open_spool(job->other);
  if (spool < 0)
    status = place_fail(&job->error, errno, "open the spool for", job->path);
  else
    status = keep_place(job, spool, &place);
  if (spool >= 0)
    close(spool);
  place_release(&place);
  return status;
}
