/* Listing a folder: all names are read and put in order, but only the page asked for is looked at closely. Part of job.h. */
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"
#include "fs/entry.h"
#include "fs/job.h"
#include "fs/names.h"
#include "fs/place.h"
#include "fs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCAN_MAX 200000 /* entries of one folder that are looked at */
#define PAGE_MAX 10000u

struct found {
  uint32_t offset; /* into the names */
  uint16_t len;
  bool is_folder;      /* or a link to one */
  uint8_t target_kind; /* of a link */
};

struct scan {
  struct buf names; /* each with its NUL */
  struct found *found;
  size_t count, cap;
  bool is_cut;
};

static void scan_release(struct scan *scan) {
  buf_release(&scan->names);
  free(scan->found);
}

static bool scan_add(struct scan *scan, bp_str name, bool is_folder, uint32_t target_kind) {
  if (scan->count == scan->cap) {
    size_t cap = scan->cap ? scan->cap * 2 : 256;
    struct found *grown = reallocarray(scan->found, cap, sizeof(*grown));
    if (!grown)
      return false;
    scan->found = grown;
    scan->cap = cap;
  }
  scan->found[scan->count++] =
      (struct found){.offset = (uint32_t)scan->names.len, .len = (uint16_t)name.len, .is_folder = is_folder, .target_kind = (uint8_t)target_kind};
  buf_append(&scan->names, name.ptr, name.len + 1);
  return !scan->names.failed;
}

static unsigned char type_of(int dir, const struct dirent *entry) {
  struct stat info;
  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type;
  return fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? (unsigned char)IFTODT(info.st_mode) : DT_UNKNOWN;
}

/* What a link leads to; 0 where that is nothing, or nothing that is served. */
static uint32_t target_kind(const struct fs_job *job, const char *name) {
  char path[2 * PATH_MAX];
  struct stat info;
  bp_error err = BP_ERROR_INIT;
  snprintf(path, sizeof(path), "%s%s%s", job->path, job->path[0] ? "/" : "", name);
  return place_target(job->root, path, &info, &err) == BP_OK ? entry_kind(info.st_mode) : 0;
}

/* Names that nobody could ask for are left out, and so are the host's own folders. */
static bool is_shown(const struct fs_job *job, const struct own_ids *own, int dir, bool is_top, const struct dirent *entry) {
  struct stat info;
  bp_str name = str_from(entry->d_name), pattern = str_from(job->other);
  bool is_dot = entry->d_name[0] == '.';
  if (tree_is_dots(entry->d_name) || !names_is_entry(name))
    return false;
  if (is_dot && (!(job->flags & BP_FS_HIDDEN) || (is_top && (job->root->flags & BP_ROOT_NO_DOT))))
    return false;
  if (pattern.len > 0 && !names_match(pattern, name))
    return false;
  for (unsigned i = 0; i < own->count; i++)
    if (own->items[i].inode == entry->d_ino && fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && own_ids_has(own, &info))
      return false;
  return true;
}

static int scan_folder(struct fs_job *job, int dir, bool is_top, struct scan *scan) {
  struct own_ids own;
  DIR *entries = tree_read(dir);
  if (!entries)
    return errno;
  int error = 0, seen = 0;
  own_folders_read(&own);
  errno = 0;
  for (const struct dirent *entry; error == 0 && (entry = readdir(entries)); errno = 0) {
    scan->is_cut = ++seen > SCAN_MAX || ((seen & 1023) == 0 && job_should_end(job));
    if (scan->is_cut)
      break;
    if (!is_shown(job, &own, dir, is_top, entry))
      continue;
    unsigned char type = type_of(dir, entry);
    uint32_t target = type == DT_LNK ? target_kind(job, entry->d_name) : 0;
    if (!scan_add(scan, str_from(entry->d_name), type == DT_DIR || target == BP_FS_FOLDER, target))
      error = ENOMEM;
  }
  if (error == 0)
    error = errno;
  closedir(entries);
  return error;
}

static int in_order(const void *left, const void *right, void *names) {
  const struct found *a = left, *b = right;
  if (a->is_folder != b->is_folder)
    return a->is_folder ? -1 : 1;
  return strcmp((const char *)names + a->offset, (const char *)names + b->offset);
}

/* An entry that has gone meanwhile is left out. */
static int fill_page(struct fs_job *job, int dir, struct scan *scan) {
  size_t first = job->offset < scan->count ? job->offset : scan->count, count = scan->count - first;
  if (count > job->limit)
    count = job->limit;
  job->entries = calloc(count ? count : 1, sizeof(*job->entries));
  if (!job->entries)
    return ENOMEM;
  for (size_t i = first; i < first + count; i++) {
    struct stat info;
    const char *name = scan->names.data + scan->found[i].offset;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    bp_fs_entry *entry = &job->entries[job->count++];
    entry_fill(entry, bp_str_make(name, scan->found[i].len), &info);
    if (entry->kind == BP_FS_LINK)
      entry->target_kind = scan->found[i].target_kind;
  }
  job->total = scan->count;
  job->more = scan->is_cut || first + count < scan->count;
  job->names = scan->names.data;
  scan->names = (struct buf){0};
  return 0;
}

bp_status list_folder(struct fs_job *job) {
  struct scan scan = {0};
  struct stat info;
  int dir = -1;
  bp_status status = place_open(job->root, job->path, S_IFDIR, &dir, &info, &job->error);
  if (status != BP_OK)
    return status;
  bool is_top = info.st_ino == job->root->inode && info.st_dev == job->root->device;
  if (job->limit == 0 || job->limit > PAGE_MAX)
    job->limit = PAGE_MAX;
  int error = scan_folder(job, dir, is_top, &scan);
  if (error == 0 && scan.count > 0)
    qsort_r(scan.found, scan.count, sizeof(*scan.found), in_order, scan.names.data);
  if (error == 0)
    error = fill_page(job, dir, &scan);
  scan_release(&scan);
  close(dir);
  if (error == 0 && job_should_end(job))
    return job_ended(job);
  return error == 0 ? BP_OK : place_fail(&job->error, error, "list", job->path);
}
