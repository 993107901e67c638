/* A repository as the file system shows it: found under a root, ours, and not redirected elsewhere. Runs on a worker. */
#ifndef GIT_REPO_H
#define GIT_REPO_H

#include "text.h"

#include <sys/types.h>

/* What tells that a configuration file is still the one that was scanned. All zero: there is none. */
struct stamp {
  uint64_t device, inode, size;
  int64_t modified_ns, changed_ns;
};

struct repo {
  char *folder;     /* where the command runs: absolute, resolved */
  char *root;       /* the root it lies below */
  char *work_tree;  /* the folder that holds .git: `folder` or above it */
  char *git_dir;    /* of this work tree */
  char *common_dir; /* shared by all work trees; the writer lock and the scan go by it */
  bool is_linked;   /* a work tree beside the main one, or a submodule */
  uint64_t inode;   /* of common_dir, for trust */
  struct stamp config, config_worktree;
  bool has_exec_todo; /* an interrupted rebase would run a program */
  /* What is wrong: NULL, or a sentence. `is_refused` tells a refusal (403) from something that is not there (500). */
  const char *fault;
  char *fault_text; /* what `fault` points to, if there was memory for all of it */
  bool is_refused;
};

/* Resolves `folder`, an absolute path, below one of the roots, and looks at the repository it lies in. */
void repo_inspect(struct repo *repo, const char *folder, const struct words *roots);
/* The same for the other side of a fetch or push by path: a repository, bare or not, that we would serve. */
void repo_inspect_served(struct repo *repo, const char *path, const struct words *roots);
void repo_release(struct repo *repo);
/* The path of a named pipe or device where git expects a file, in the .git folders or as a file of attributes and the like in the work
 * tree; NULL: none. Owned. Looks at everything: on a worker. */
char *repo_find_pipe(const char *git_dir, const char *common_dir, const char *work_tree);
#define REPO_PIPE "The repository has a pipe or device where git reads a file"
/* The root that `path` lies in or is, by components; NULL: none. */
const char *root_of(const struct words *roots, const char *path);
/* Opens an existing folder below a root without following a link that leaves it; -1 and errno. */
int open_below(const char *root, const char *path);

#endif
