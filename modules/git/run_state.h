/* The inside of a run, for the files run*.c only. */
#ifndef GIT_RUN_STATE_H
#define GIT_RUN_STATE_H

#include "git.h"

enum run_phase {
  PHASE_INSPECT, /* a worker looks at the file system */
  PHASE_WAITING, /* for a place, or for another writer */
  PHASE_SCAN,    /* git config --list runs */
  PHASE_CHILD,   /* the command itself runs */
  PHASE_OVER,
};

/* A scanned configuration, shared by the runs that need it and the cache. */
struct scan_entry {
  struct scan_entry *next; /* in the cache, newest first */
  unsigned references;
  bool is_trusted;
  char *git_dir, *common_dir;
  struct stamp config, config_worktree;
  struct scan scan;
};

struct look;

struct run {
  struct git *git;
  struct run *next;
  struct words args, env;
  char *folder;
  struct text input;
  uint32_t flags;
  run_progress_fn progress;
  run_done_fn done;
  void *ctx;

  enum run_phase phase;
  bool is_cancelled, is_active, is_timed_out;
  struct repo repo;
  uint64_t identity_stamp; /* as the inspection found it */
  struct scan_entry *scan;
  bool is_trusted;

  /* the other sides by path, looked at one after the other */
  struct words served;
  size_t served_at;
  struct repo served_repo;
  bool may_use_files;
  bool is_served_phase; /* the inspection or scan under way is of served_repo */

  bp_proc child;
  struct text out, err;
  bool is_truncated, has_all_input;

  bp_timer watch;    /* 0: none; run_watch.c */
  struct look *look; /* under way, or NULL */
  char *pipe;        /* what the command waits for: it is stopped */
};

/* run.c */
void run_finish(struct run *run, enum run_end end, const char *sentence, int exit_code);
void run_scanned(struct run *run); /* the repository's scan is there and refuses nothing */
/* run_scan.c: finds or makes the scan of `repo`, then calls scan_done(run, entry) with a reference, or run_finish. */
void scan_begin(struct run *run, const struct repo *repo, bool is_trusted);
void scan_ended(struct run *run, const bp_proc_exit *exit);
void scan_unref(struct scan_entry *entry);
/* run_remotes.c: checks the other sides of a network command, then goes on with child_begin. */
void remotes_begin(struct run *run);
void remotes_scanned(struct run *run, struct scan_entry *entry);
/* run_watch.c: sees whether a command that takes long waits for a named pipe. */
void watch_begin(struct run *run);
void watch_end(struct run *run);
/* run_child.c */
void child_begin(struct run *run);
bool child_spawn(struct run *run, const struct words *argv, const struct words *env, const char *cwd, uint32_t timeout_ms);

#endif
