/* Looking at files: stat and read. Part of job.h. */
#include "base/fail.h"
#include "base/str.h"
#include "fs/entry.h"
#include "fs/job.h"
#include "fs/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t entry_kind(mode_t mode) {
  return S_ISREG(mode) ? BP_FS_FILE : S_ISDIR(mode) ? BP_FS_FOLDER : S_ISLNK(mode) ? BP_FS_LINK : BP_FS_OTHER;
}

void entry_fill(bp_fs_entry *ret, bp_str name, const struct stat *info) {
  *ret = (bp_fs_entry){
      .size = sizeof(*ret), .kind = entry_kind(info->st_mode), .name = name, .bytes = S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0};
  ret->modified_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
  ret->mode = info->st_mode & 07777;
}

static bp_status one_entry(struct fs_job *job, const char *name, const struct stat *info) {
  job->entries = calloc(1, sizeof(*job->entries));
  job->names = strdup(name);
  if (!job->entries || !job->names)
    return place_fail(&job->error, ENOMEM, "describe", job->path);
  entry_fill(&job->entries[0], str_from(job->names), info);
  job->count = 1;
  job->total = job->entries[0].bytes;
  return BP_OK;
}

bp_status read_stat(struct fs_job *job) {
  struct place place;
  struct stat info;
  bp_status status = place_find(job->root, job->path, PLACE_READ, &place, &job->error);
  if (status != BP_OK)
    return status;
  status = place_stat(job->root, &place, job->path, &info, &job->error);
  if (status == BP_OK)
    status = one_entry(job, place.name, &info);
  place_release(&place);
  return status;
}

/* Until the length asked for, the end of the file, or an error. */
static int read_range(int fd, uint64_t offset, size_t length, struct buf *ret) {
  while (ret->len < length) {
    ssize_t got = pread(fd, ret->data + ret->len, length - ret->len, (off_t)(offset + ret->len));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return errno;
    if (got == 0)
      break;
    ret->len += (size_t)got;
  }
  return 0;
}

bp_status read_file(struct fs_job *job) {
  struct stat info;
  int fd = -1, error = 0;
  bp_status status = place_open(job->root, job->path, S_IFREG, &fd, &info, &job->error);
  if (status != BP_OK)
    return status;
  uint64_t bytes = (uint64_t)info.st_size, left = job->file_offset < bytes ? bytes - job->file_offset : 0;
  uint64_t wanted = left > job->length ? job->length : left;
  if (wanted > 0) {
    if (buf_reserve(&job->data, wanted))
      error = read_range(fd, job->file_offset, wanted, &job->data);
    else
      error = ENOMEM;
  }
  close(fd);
  if (error != 0)
    return place_fail(&job->error, error, "read", job->path);
  const char *slash = strrchr(job->path, '/');
  return one_entry(job, slash ? slash + 1 : job->path, &info);
}
