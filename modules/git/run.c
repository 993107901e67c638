/* The life of a run: inspected, waiting for its place, over. See run.h. */
#include "run_state.h"

#include <stdlib.h>
#include <string.h>

static void begin_next(struct git *git);

/* ---- Places: at most RUN_AT_ONCE, one writer a repository ---- */

static const char *lock_name(const struct run *run) {
  return run->repo.common_dir ? run->repo.common_dir : run->folder;
}

static bool is_locked(const struct git *git, const struct run *wanted) {
  for (const struct run *run = git->runner.first; run; run = run->next)
    if (run->is_active && (run->flags & RUN_WRITES) && strcmp(lock_name(run), lock_name(wanted)) == 0)
      return true;
  return false;
}

static void begin(struct run *run) {
  run->is_active = true;
  run->git->runner.active++;
  run->git->runner.waiting--;
  if (run->flags & RUN_CLONE) {
    remotes_begin(run);
    return;
  }
  run->is_trusted = trust_has(run->git, run->repo.common_dir, run->repo.inode);
  scan_begin(run, &run->repo, run->is_trusted);
}

static struct run *next_to_begin(struct git *git) {
  if (!git->identity.is_known) /* it is being read; commits need it */
    return NULL;
  for (struct run *run = git->runner.first; run; run = run->next)
    if (run->phase == PHASE_WAITING && !run->is_active && !((run->flags & RUN_WRITES) && is_locked(git, run)))
      return run;
  return NULL;
}

void runner_go_on(struct git *git) {
  begin_next(git);
}

static void begin_next(struct git *git) {
  struct run *run;
  while (git->runner.active < RUN_AT_ONCE && (run = next_to_begin(git)) != NULL)
    begin(run);
}

/* ---- Ends ---- */

static void unlink_run(struct git *git, const struct run *gone) {
  for (struct run **at = &git->runner.first; *at; at = &(*at)->next)
    if (*at == gone) {
      *at = gone->next;
      return;
    }
}

static void run_free(struct run *run) {
  words_release(&run->args);
  words_release(&run->env);
  words_release(&run->served);
  repo_release(&run->repo);
  repo_release(&run->served_repo);
  text_release(&run->input);
  text_release(&run->out);
  text_release(&run->err);
  scan_unref(run->scan);
  free(run->pipe);
  free(run->folder);
  free(run);
}

void run_finish(struct run *run, enum run_end end, const char *sentence, int exit_code) {
  struct git *git = run->git;
  const struct run_result result = {
      .end = run->is_cancelled ? RUN_CANCELLED : end,
      .exit_code = exit_code,
      .out = text_str(&run->out),
      .err = text_str(&run->err),
      .is_truncated = run->is_truncated,
      .sentence = sentence ? sentence : "",
      .repo = run->flags & RUN_CLONE ? NULL : &run->repo,
  };
  if (run->is_active)
    git->runner.active--;
  else if (run->phase == PHASE_WAITING)
    git->runner.waiting--;
  run->phase = PHASE_OVER;
  watch_end(run);
  unlink_run(git, run);
  run->done(run->ctx, &result);
  run_free(run);
  if (!git->runner.is_draining)
    begin_next(git);
}

/* ---- Inspection ---- */

static void inspect(void *ctx) {
  struct run *run = ctx;
  if (!(run->flags & RUN_CLONE))
    repo_inspect(&run->repo, run->folder, &run->git->roots);
  run->identity_stamp = identity_stamp(run->git);
}

static bool is_going_on_with_rebase(const struct words *args) {
  if (args->count == 0 || strcmp(args->at[0], "rebase") != 0)
    return false;
  for (size_t i = 1; i < args->count; i++)
    if (strcmp(args->at[i], "--continue") == 0 || strcmp(args->at[i], "--skip") == 0)
      return true;
  return false;
}

static void inspected(void *ctx, bp_status status) {
  struct run *run = ctx;
  struct git *git = run->git;
  if (status != BP_OK || run->is_cancelled || git->runner.is_draining) {
    run_finish(run, RUN_CANCELLED, NULL, 0);
  } else if (run->repo.fault) {
    run_finish(run, run->repo.is_refused ? RUN_REFUSED : RUN_ABSENT, run->repo.fault, 0);
  } else if (run->flags & RUN_INSPECT) {
    run_finish(run, RUN_OK, NULL, 0);
  } else if (run->repo.has_exec_todo && is_going_on_with_rebase(&run->args)) {
    run_finish(run, RUN_REFUSED, "The interrupted rebase would run a program", 0);
  } else if (git->runner.waiting >= RUN_WAITING) {
    run_finish(run, RUN_BUSY, "Too many git commands are waiting", 0);
  } else {
    run->phase = PHASE_WAITING;
    git->runner.waiting++;
    identity_check(git, run->identity_stamp);
    begin_next(git);
  }
}

void run_scanned(struct run *run) {
  if (run->flags & RUN_NETWORK)
    remotes_begin(run);
  else
    child_begin(run);
}

/* ---- Starting and stopping ---- */

struct run *run_start(struct git *git, const struct run_spec *spec) {
  struct run *run = calloc(1, sizeof(*run));
  if (!run)
    return NULL;
  *run = (struct run){.git = git, .flags = spec->flags, .progress = spec->progress, .done = spec->done, .ctx = spec->ctx};
  words_copy(&run->args, spec->args);
  if (spec->env)
    words_copy(&run->env, spec->env);
  text_put_str(&run->input, spec->input);
  run->folder = str_dup(str_z(spec->folder));
  if (!run->folder || run->args.has_failed || run->env.has_failed || run->input.has_failed || git->runner.is_draining ||
      git->loop->work(git->self, inspect, inspected, run) != BP_OK) {
    run_free(run);
    return NULL;
  }
  struct run **end = &git->runner.first;
  while (*end)
    end = &(*end)->next;
  *end = run;
  return run;
}

void run_cancel(struct run *run) {
  run->is_cancelled = true;
  if (run->phase == PHASE_WAITING && !run->is_active)
    run_finish(run, RUN_CANCELLED, NULL, 0);
  else if (run->child)
    run->git->proc->stop(run->child);
}

void runner_drain(struct git *git) {
  git->runner.is_draining = true;
  for (struct run *run = git->runner.first, *next; run; run = next) {
    next = run->next;
    run_cancel(run);
  }
}

/* ---- What a command is ---- */

static bool one_of(const char *word, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(word, list[i]) == 0)
      return true;
  return false;
}

uint32_t run_flags_of(const struct words *args) {
  static const char *const readers[] = {"diff", "for-each-ref", "log", "rev-parse", "show", "status"};
  static const char *const networks[] = {"clone", "fetch", "pull", "push"};
  static const char *const editors[] = {"merge", "pull", "rebase"};
  const char *name = args->count ? args->at[0] : "";
  const char *second = args->count > 1 ? args->at[1] : "";
  uint32_t flags = 0;
  bool reads = one_of(name, readers, sizeof(readers) / sizeof(readers[0])) || (strcmp(name, "worktree") == 0 && strcmp(second, "list") == 0) ||
               (strcmp(name, "stash") == 0 && (strcmp(second, "list") == 0 || strcmp(second, "show") == 0));
  if (!reads)
    flags |= RUN_WRITES;
  if (one_of(name, networks, sizeof(networks) / sizeof(networks[0])))
    flags |= RUN_NETWORK;
  if (one_of(name, editors, sizeof(editors) / sizeof(editors[0])))
    flags |= RUN_EDITOR_TRUE;
  if (strcmp(name, "clone") == 0)
    flags |= RUN_CLONE;
  return flags;
}
