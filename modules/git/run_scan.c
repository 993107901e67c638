/* Scanning the configuration of a repository, and remembering it as long as the files are the same. */
#include "environment.h"
#include "run_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_ENTRIES 64u

static bool same_stamp(const struct stamp *a, const struct stamp *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static void entry_free(struct scan_entry *entry) {
  scan_release(&entry->scan);
  free(entry->git_dir);
  free(entry->common_dir);
  free(entry);
}

void scan_unref(struct scan_entry *entry) {
  if (entry && --entry->references == 0)
    entry_free(entry);
}

/* ---- The cache ---- */

static struct scan_entry *find(struct git *git, const struct repo *repo, bool is_trusted) {
  for (struct scan_entry *entry = git->runner.cache; entry; entry = entry->next)
    if (entry->is_trusted == is_trusted && strcmp(entry->git_dir, repo->git_dir) == 0 && strcmp(entry->common_dir, repo->common_dir) == 0 &&
        same_stamp(&entry->config, &repo->config) && same_stamp(&entry->config_worktree, &repo->config_worktree))
      return entry;
  return NULL;
}

/* Takes older ones of the same repository out, and the oldest of all if there are too many. */
static void remember(struct git *git, struct scan_entry *entry) {
  unsigned count = 1;
  entry->next = git->runner.cache;
  git->runner.cache = entry;
  entry->references++;
  for (struct scan_entry **at = &entry->next; *at;) {
    struct scan_entry *old = *at;
    if (++count > CACHE_ENTRIES || strcmp(old->git_dir, entry->git_dir) == 0) {
      *at = old->next;
      count--;
      scan_unref(old);
    } else {
      at = &old->next;
    }
  }
}

void runner_release(struct git *git) {
  for (struct scan_entry *entry = git->runner.cache, *next; entry; entry = next) {
    next = entry->next;
    scan_unref(entry);
  }
  git->runner.cache = NULL;
}

/* ---- A scan ---- */

static const struct repo *scanned_repo(const struct run *run) {
  return run->is_served_phase ? &run->served_repo : &run->repo;
}

/* core.worktree is git's own in a submodule and must be the folder we came from; anywhere else it would write elsewhere. */
static bool has_foreign_work_tree(const struct scan *scan, const struct repo *repo) {
  if (!scan->work_tree)
    return false;
  char *path = NULL;
  if (scan->work_tree[0] == '/')
    path = strdup(scan->work_tree);
  else if (asprintf(&path, "%s/%s", repo->git_dir, scan->work_tree) < 0)
    path = NULL;
  char *real = path ? realpath(path, NULL) : NULL;
  bool is_own = repo->is_linked && real && strcmp(real, repo->work_tree) == 0;
  free(path);
  free(real);
  return !is_own;
}

/* Takes the reference over. */
static void deliver(struct run *run, struct scan_entry *entry) {
  if (entry->scan.refusal) {
    entry->references++; /* the sentence must outlive the end of the run */
    run_finish(run, RUN_REFUSED, entry->scan.refusal, 0);
    entry->references--;
    scan_unref(entry);
  } else if (run->is_served_phase) {
    remotes_scanned(run, entry);
    scan_unref(entry);
  } else {
    run->scan = entry;
    run_scanned(run);
  }
}

static struct scan_entry *entry_new(const struct run *run, const struct repo *repo) {
  struct scan_entry *entry = calloc(1, sizeof(*entry));
  if (!entry)
    return NULL;
  *entry = (struct scan_entry){.references = 1, .is_trusted = run->is_trusted && !run->is_served_phase, .config = repo->config};
  entry->config_worktree = repo->config_worktree;
  entry->git_dir = strdup(repo->git_dir);
  entry->common_dir = strdup(repo->common_dir);
  if (entry->git_dir && entry->common_dir)
    return entry;
  entry_free(entry);
  return NULL;
}

void scan_ended(struct run *run, const bp_proc_exit *exit) {
  const struct repo *repo = scanned_repo(run);
  if (run->is_cancelled) {
    run_finish(run, RUN_CANCELLED, NULL, 0);
    return;
  }
  if (exit->code != 0 || run->out.has_failed || run->out.len >= SCAN_OUTPUT_BYTES) {
    run_finish(run, RUN_REFUSED, "The repository's configuration could not be read", 0);
    return;
  }
  struct scan_entry *entry = entry_new(run, repo);
  if (!entry) {
    run_finish(run, RUN_BROKEN, "No memory for the repository's configuration", 0);
    return;
  }
  scan_read(&entry->scan, text_str(&run->out), entry->is_trusted);
  if (!entry->scan.refusal && entry->scan.keys == 0 && repo->config.size > 0)
    entry->scan.refusal = strdup("git does not take this for a repository: its configuration is of a format it does not know");
  if (!entry->scan.refusal && has_foreign_work_tree(&entry->scan, repo))
    entry->scan.refusal = strdup("The repository's core.worktree points at another folder");
  text_release(&run->out);
  text_release(&run->err);
  remember(run->git, entry);
  deliver(run, entry);
}

void scan_begin(struct run *run, const struct repo *repo, bool is_trusted) {
  static const char *const words[] = {"git", "config", "--list", "--show-scope", NULL, "-z"};
  struct scan_entry *known = find(run->git, repo, is_trusted);
  if (known) {
    known->references++;
    deliver(run, known);
    return;
  }
  const struct environment_wish wish = {.repo = repo, .is_trusted = is_trusted};
  struct words argv = {0}, env = {0};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    words_add_z(&argv, words[i] ? words[i] : is_trusted ? "--includes" : "--no-includes");
  environment_make(run->git, &wish, &env);
  run->phase = PHASE_SCAN;
  child_spawn(run, &argv, &env, repo->root, 10000);
  words_release(&argv);
  words_release(&env);
}
