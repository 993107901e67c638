/* The other side of fetch, pull, push and clone: only configured remotes, only addresses that are https, ssh, or a repository below a
 * root whose own configuration could run nothing. Addresses are looked at when they are used, because they may have changed. */
#include "run_state.h"

#include <stdlib.h>
#include <string.h>

#define SERVED_MOST 16u

static const char *strip_file(const char *url) {
  return z_begins(url, "file://") ? url + 7 : url;
}

/* The remote a command names: its first word that is no option and no option's value; NULL: none. */
static const char *named_remote(const struct words *args) {
  static const char *const valued[] = {"--deepen", "--depth", "--shallow-since", "--strategy", "--strategy-option", "-X", "-s"};
  for (size_t i = 1; i < args->count; i++) {
    const char *word = args->at[i];
    bool takes_next = false;
    for (size_t k = 0; k < sizeof(valued) / sizeof(valued[0]); k++)
      takes_next = takes_next || strcmp(word, valued[k]) == 0;
    if (takes_next)
      i++;
    else if (word[0] != '-')
      return word;
  }
  return NULL;
}

static bool is_remote(const struct scan *scan, const char *name) {
  for (size_t i = 0; i + 1 < scan->remotes.count; i += 2)
    if (strcmp(scan->remotes.at[i], name) == 0)
      return true;
  return false;
}

/* Adds a path to those to be looked at; otherwise returns what is wrong with the address. */
static const char *take_address(struct run *run, const char *url) {
  bool is_path = false;
  const char *fault = scan_bad_url(url, &is_path);
  if (!fault && is_path) {
    if (run->served.count >= SERVED_MOST)
      return "there are too many remotes by path";
    words_add_z(&run->served, strip_file(url));
  }
  return fault;
}

/* NULL, or the sentence. */
static const char *take_remotes(struct run *run) {
  const struct scan *scan = &run->scan->scan;
  const char *name = named_remote(&run->args);
  if (scan->network_refusal)
    return scan->network_refusal;
  if (name && !is_remote(scan, name))
    return "There is no remote of that name in the repository's configuration";
  for (size_t i = 0; i + 1 < scan->remotes.count; i += 2)
    if ((!name || strcmp(scan->remotes.at[i], name) == 0) && take_address(run, scan->remotes.at[i + 1]))
      return "The remote is not used: its address is neither https nor ssh without a password, nor a folder below a root";
  for (size_t i = 0; !name && i < scan->tracking.count; i++)
    if (strcmp(scan->tracking.at[i], ".") != 0 && !is_remote(scan, scan->tracking.at[i]))
      return "A branch of the repository follows something that is no configured remote";
  return NULL;
}

/* ---- One after the other ---- */

static void look_at_next(struct run *run);

static void inspect_served(void *ctx) {
  struct run *run = ctx;
  repo_inspect_served(&run->served_repo, run->served.at[run->served_at], &run->git->roots);
}

static void served_inspected(void *ctx, bp_status status) {
  struct run *run = ctx;
  if (status != BP_OK || run->is_cancelled)
    run_finish(run, RUN_CANCELLED, NULL, 0);
  else if (run->served_repo.fault)
    run_finish(run, RUN_REFUSED, run->served_repo.fault, 0);
  else
    scan_begin(run, &run->served_repo, false);
}

void remotes_scanned(struct run *run, struct scan_entry *entry) {
  if (entry->scan.served_refusal) {
    run_finish(run, RUN_REFUSED, entry->scan.served_refusal, 0);
    return;
  }
  run->may_use_files = true;
  run->served_at++;
  look_at_next(run);
}

static void look_at_next(struct run *run) {
  repo_release(&run->served_repo);
  run->is_served_phase = run->served_at < run->served.count;
  if (!run->is_served_phase)
    child_begin(run);
  else if (run->git->loop->work(run->git->self, inspect_served, served_inspected, run) != BP_OK)
    run_finish(run, RUN_BUSY, "Too much work is waiting", 0);
}

/* The address of a clone is its first word that is no option; the command was made by clone.c, which put it after `--`. */
static const char *clone_source(const struct words *args) {
  for (size_t i = 1; i + 1 < args->count; i++)
    if (strcmp(args->at[i], "--") == 0)
      return args->at[i + 1];
  return "";
}

void remotes_begin(struct run *run) {
  const char *fault = run->flags & RUN_CLONE ? take_address(run, clone_source(&run->args)) : take_remotes(run);
  if (fault)
    run_finish(run, RUN_REFUSED, fault, 0);
  else
    look_at_next(run);
}
