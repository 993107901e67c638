/* The child itself: its argv, what it writes, how it ended. */
#include "environment.h"
#include "run_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Output ---- */

static void take_out(struct run *run, bp_str data) {
  size_t limit = run->phase == PHASE_SCAN ? SCAN_OUTPUT_BYTES : RUN_OUTPUT_BYTES;
  size_t room = run->out.len < limit ? limit - run->out.len : 0;
  text_append(&run->out, data.ptr, data.len < room ? data.len : room);
  if (data.len > room && !run->is_truncated) {
    run->is_truncated = true;
    run->git->proc->stop(run->child);
  }
}

static void on_output(void *ctx, bp_proc proc, uint32_t stream, bp_str data) {
  struct run *run = ctx;
  (void)proc;
  if (stream == BP_PROC_STDOUT) {
    take_out(run, data);
    return;
  }
  size_t room = run->err.len < RUN_ERRORS_BYTES ? RUN_ERRORS_BYTES - run->err.len : 0;
  text_append(&run->err, data.ptr, data.len < room ? data.len : room);
  if (run->progress && run->phase == PHASE_CHILD && !run->is_cancelled)
    run->progress(run->ctx, data);
}

/* ---- Its end ---- */

static uint32_t limit_ms(const struct run *run) {
  return run->flags & RUN_LONG ? RUN_LONG_MS : run->flags & RUN_NETWORK ? RUN_NETWORK_MS : RUN_LOCAL_MS;
}

static void child_ended(struct run *run, const bp_proc_exit *exit) {
  char sentence[128];
  if (run->out.has_failed || run->err.has_failed) {
    run_finish(run, RUN_BROKEN, "No memory for the output of git", 0);
  } else if (run->pipe) {
    char refusal[512];
    snprintf(refusal, sizeof(refusal), REPO_PIPE ": %.400s", run->pipe);
    run_finish(run, RUN_REFUSED, refusal, 0);
  } else if (run->is_truncated) {
    run_finish(run, RUN_OK, NULL, 0);
  } else if (exit->why == BP_PROC_TIMED_OUT) {
    snprintf(sentence, sizeof(sentence), "git %s took longer than %u seconds and was stopped", run->args.at[0], limit_ms(run) / 1000);
    run_finish(run, RUN_TIMEOUT, sentence, 0);
  } else if (exit->why == BP_PROC_NOT_STARTED) {
    run_finish(run, RUN_BROKEN, "git could not be started", 0);
  } else if (exit->why == BP_PROC_STOPPED) {
    run_finish(run, RUN_CANCELLED, NULL, 0);
  } else {
    run_finish(run, exit->code == 0 ? RUN_OK : RUN_EXIT, NULL, exit->code);
  }
}

static void on_exited(void *ctx, bp_proc proc, const bp_proc_exit *exit) {
  struct run *run = ctx;
  (void)proc;
  run->child = 0;
  if (run->phase == PHASE_SCAN)
    scan_ended(run, exit);
  else
    child_ended(run, exit);
}

/* ---- Its start ---- */

bool child_spawn(struct run *run, const struct words *argv, const struct words *env, const char *cwd, uint32_t timeout_ms) {
  static const bp_proc_events events = {.size = sizeof(events), .output = on_output, .exited = on_exited};
  struct git *git = run->git;
  bp_error err = BP_ERROR_INIT;
  bool has_input = run->phase == PHASE_CHILD && run->input.len > 0;
  bp_proc_env *pairs = environment_pairs(env);
  bp_str *words = argv->has_failed ? NULL : calloc(argv->count, sizeof(*words));
  for (size_t i = 0; words && i < argv->count; i++)
    words[i] = str_z(argv->at[i]);
  const bp_proc_spec spec = {
      .size = sizeof(spec),
      .lifetime = BP_PROC_BOUND,
      .flags = BP_PROC_RAW_OUTPUT | (has_input ? BP_PROC_STDIN : 0),
      .name = BP_LIT("git"),
      .argv = {words, (uint32_t)argv->count, (uint32_t)sizeof(*words)},
      .cwd = str_z(cwd),
      .env = {pairs, (uint32_t)(env->count / 2), (uint32_t)sizeof(*pairs)},
      .grace_ms = 2000,
      .timeout_ms = timeout_ms,
  };
  bp_status status = pairs && words ? git->proc->spawn(git->self, &spec, &events, run, &run->child, &err) : BP_E_NO_MEMORY;
  free(pairs);
  free(words);
  if (status != BP_OK) {
    run_finish(run, status == BP_E_LIMIT ? RUN_BUSY : RUN_BROKEN, err.message[0] ? err.message : "git could not be started", 0);
    return false;
  }
  if (has_input) {
    git->proc->write(run->child, text_str(&run->input));
    git->proc->close_stdin(run->child);
  }
  return true;
}

/* What runs programs of the repository's choice is switched off where git has a switch for it. */
static void add_switches(struct words *argv, const struct words *args) {
  static const char *const differs[] = {"diff", "diff-tree", "diff-index", "log", "show"};
  const char *name = args->at[0];
  size_t at = 0;
  for (size_t i = 0; i < sizeof(differs) / sizeof(differs[0]); i++)
    if (strcmp(name, differs[i]) == 0)
      at = 2;
  if (strcmp(name, "stash") == 0 && args->count > 1 && strcmp(args->at[1], "show") == 0) {
    bool has_option = false;
    for (size_t i = 2; i < args->count; i++)
      has_option = has_option || args->at[i][0] == '-';
    at = 3;
    if (!has_option) /* its default, which the switches would change */
      words_insert(argv, at, "--stat");
  }
  if (at) {
    words_insert(argv, at, "--no-textconv");
    words_insert(argv, at, "--no-ext-diff");
  }
}

void child_begin(struct run *run) {
  const struct environment_wish wish = {
      .repo = run->flags & RUN_CLONE ? NULL : &run->repo,
      .scan = run->scan ? &run->scan->scan : NULL,
      .folder = run->folder,
      .flags = run->flags,
      .is_trusted = run->is_trusted,
      .may_use_files = run->may_use_files,
  };
  struct words argv = {0}, env = {0};
  uint32_t timeout_ms = limit_ms(run);
  words_add_z(&argv, "git");
  words_copy(&argv, &run->args);
  add_switches(&argv, &run->args);
  environment_make(run->git, &wish, &env);
  words_copy(&env, &run->env);
  run->phase = PHASE_CHILD;
  if (child_spawn(run, &argv, &env, run->folder, timeout_ms))
    watch_begin(run);
  words_release(&argv);
  words_release(&env);
}
