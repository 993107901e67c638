/* Pieces of cloning that the command and the job share. */
#ifndef GIT_CLONE_H
#define GIT_CLONE_H

#include "git.h"

/* From `clone [options] address [folder]` to arguments with `--`, the address and an absolute folder. The caller frees both texts. */
bool clone_plan(const struct words *args, const char *parent, struct words *ret_args, char **ret_target, char **ret_url);
/* Makes the folder and what is above it, below its root. 0, or an errno; EXDEV: not below a root. On a worker. */
int clone_make_parents(const struct git *git, const char *folder);
/* Tells the registry of repositories; `done` NULL: failures are logged. */
void clone_register(struct git *git, const char *target, const char *url, bp_service_done_fn done, void *ctx);

#endif
