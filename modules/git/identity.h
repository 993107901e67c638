/* Running git on the user's real global configuration. */
#ifndef GIT_IDENTITY_H
#define GIT_IDENTITY_H

#include "environment.h"

/* `code` is the exit code, or -1. [main] */
typedef void (*global_done_fn)(void *ctx, int code, bp_str out, bp_str err);
/* `done` runs once unless a failure is returned. */
bp_status global_run(struct git *git, const bp_str *argv, uint32_t count, global_done_fn done, void *ctx);

#endif
