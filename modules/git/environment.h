/* The environment of a git: built from nothing, with the configuration injected where no argv shows it. */
#ifndef GIT_ENVIRONMENT_H
#define GIT_ENVIRONMENT_H

#include "git.h"

/* name, value, name, value … for bp.proc. `repo` NULL: a clone in `folder`. `scan` NULL: the scan itself. */
struct environment_wish {
  const struct repo *repo;
  const struct scan *scan;
  const char *folder;
  uint32_t flags; /* RUN_* */
  bool is_trusted;
  bool may_use_files; /* a remote by path was checked */
};
void environment_make(const struct git *git, const struct environment_wish *wish, struct words *ret);
/* The pairs as bp.proc takes them, in one allocation; NULL: no memory. */
bp_proc_env *environment_pairs(const struct words *pairs);

#endif
