/* One operation of bp.fs/1 from the call to `done`: queued on main, run on a worker, told on main.
 *
 * Copies and removals of trees may take long: of those one runs at a time in the whole host, so that the workers stay free
 * for everybody's uploads and reads. They look at job_should_end between entries. */
#ifndef HOST_FS_JOB_H
#define HOST_FS_JOB_H

#include "base/buf.h"
#include "fs/root.h"
#include "loop/workers.h"
#include "router/spool.h"
#include <backplane/fs.h>

struct upload;
struct fs_job;

/* What is done on the worker. The result goes into the job. */
typedef bp_status (*job_fn)(struct fs_job *job);

struct fs_job {
  struct work work;
  struct fs_job *next; /* of the long ones that wait */
  struct fs_root *root;
  job_fn run;
  bool is_long;
  bp_fs_fn done;
  void *ctx;
  uint64_t charged_bytes;

  /* What was asked. */
  char *path;
  char *other; /* `to`, the pattern, or the spool's folder */
  uint32_t flags, offset, limit;
  uint64_t file_offset, length;
  struct buf data; /* to write; of read: what was read */
  struct upload *upload;
  uint32_t part;
  char spool_name[SPOOL_NAME_BYTES];

  /* What came of it. */
  bp_status status;
  bp_error error;
  bp_fs_entry *entries;
  char *names; /* the entries' names */
  uint32_t count;
  uint64_t total;
  bool more;
};

/* What a table function gives. */
struct job_order {
  bp_root root;
  job_fn run;
  bool is_long, changes;
  bp_str path, other, data;
  uint64_t room_bytes; /* that the result may hold */
  bp_fs_fn done;
  void *ctx;
};

/* A job for it, not yet on its way, or NULL and *ret_status. Main, as the next ones. */
struct fs_job *job_new(const struct job_order *order, bp_status *ret_status);
/* On its way: `done` will be called once. */
void job_start(struct fs_job *job);
/* Ends the long ones that wait on closed roots. */
void job_end_waiting(void);
/* For one that is not started. */
void job_drop(struct fs_job *job);

/* The root was closed or its plugin drains. [worker] */
bool job_should_end(const struct fs_job *job);
bp_status job_ended(struct fs_job *job);

/* The operations, by the file they are in. [worker] */
bp_status read_stat(struct fs_job *job); /* read.c */
bp_status read_file(struct fs_job *job);
bp_status list_folder(struct fs_job *job);  /* list.c */
bp_status change_write(struct fs_job *job); /* change.c */
bp_status change_mkdir(struct fs_job *job);
bp_status change_rename(struct fs_job *job);
bp_status change_remove(struct fs_job *job);
bp_status change_keep_part(struct fs_job *job); /* keep.c */
bp_status copy_entry(struct fs_job *job);       /* copy.c */

#endif
