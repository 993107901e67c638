/* A named pipe where git expects a file would hold a command up until its time is over. Looking for one takes as long as the repository is
 * large, so it is done only for a command that takes long, on a worker beside it. */
#include "run_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AFTER_MS 1000

struct look {
  struct run *run; /* NULL: it has ended meanwhile */
  char *git_dir, *common_dir, *work_tree;
  char *found;
};

static void look_free(struct look *look) {
  free(look->git_dir);
  free(look->common_dir);
  free(look->work_tree);
  free(look->found);
  free(look);
}

static void search(void *ctx) {
  struct look *look = ctx;
  look->found = repo_find_pipe(look->git_dir, look->common_dir, look->work_tree);
}

static void searched(void *ctx, bp_status status) {
  struct look *look = ctx;
  struct run *run = look->run;
  if (run) {
    run->look = NULL;
    if (status == BP_OK && look->found && run->child) {
      run->pipe = look->found;
      look->found = NULL;
      run->git->proc->stop(run->child);
    }
  }
  look_free(look);
}

static void on_time(void *ctx, bp_timer timer) {
  struct run *run = ctx;
  struct look *look = calloc(1, sizeof(*look));
  (void)timer;
  run->watch = 0;
  if (!look)
    return;
  *look = (struct look){.run = run, .git_dir = str_dup(str_z(run->repo.git_dir)), .common_dir = str_dup(str_z(run->repo.common_dir))};
  look->work_tree = str_dup(str_z(run->repo.work_tree));
  if (look->git_dir && look->common_dir && look->work_tree && run->git->loop->work(run->git->self, search, searched, look) == BP_OK)
    run->look = look;
  else
    look_free(look);
}

void watch_begin(struct run *run) {
  if (run->flags & RUN_CLONE)
    return;
  run->git->loop->timer(run->git->self, LOOK_AFTER_MS, 0, on_time, run, &run->watch); /* without one the time-out remains */
}

void watch_end(struct run *run) {
  if (run->watch)
    run->git->loop->timer_cancel(run->watch);
  if (run->look)
    run->look->run = NULL;
  run->watch = 0;
  run->look = NULL;
}
