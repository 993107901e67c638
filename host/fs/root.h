/* A root of bp.fs/1: an open folder, what is allowed beneath it, and how much work on it waits. */
#ifndef HOST_FS_ROOT_H
#define HOST_FS_ROOT_H

#include "loader/plugin.h"
#include <backplane/fs.h>
#include <sys/types.h>

#define ROOTS_MAX 64                                /* of one plugin */
#define ROOT_JOBS_MAX 256                           /* that wait or run on one root */
#define ROOT_BYTES_MAX ((uint64_t)64 * 1024 * 1024) /* held by them: texts to write, room for what is read */
#define FS_BYTES_MAX (4 * ROOT_BYTES_MAX)           /* of all roots */

struct fs_root {
  struct owned owned;
  bp_root handle;
  struct plugin *plugin;
  int fd; /* O_PATH */
  dev_t device;
  ino_t inode;
  uint32_t flags;
  unsigned references; /* the table's and one a job; main */
  unsigned jobs;
  uint64_t bytes;
  bool is_closed; /* atomic: jobs end early */
};

bp_status root_open(struct plugin *plugin, bp_str path, uint32_t flags, bp_root *ret, bp_error *err);
/* The root of a live handle, or NULL. */
struct fs_root *root_get(bp_root handle);
/* Takes the handle away; jobs that wait end as cancelled. */
void root_close(struct fs_root *root);
void root_unref(struct fs_root *root);
/* Counts one more job with so many bytes: BP_E_BUSY beyond the limits. */
bp_status root_charge(struct fs_root *root, uint64_t bytes);
void root_discharge(struct fs_root *root, uint64_t bytes);
bool root_is_closed(const struct fs_root *root);

#endif
