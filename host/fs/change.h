/* Putting a finished temporary entry in the place of what was asked for. Blocks: on a worker. */
#ifndef HOST_FS_CHANGE_H
#define HOST_FS_CHANGE_H

#include "fs/place.h"
#include <backplane/fs.h>

struct fs_job;

/* What stands at the target of a write: BP_OK with *ret_mode of the file to be replaced, or 0 for nothing there.
 * BP_E_EXISTS for a file without BP_FS_OVERWRITE and for a folder, BP_E_DENIED for links and other things. */
bp_status change_check_target(struct fs_job *job, const struct place *place, const char *path, mode_t *ret_mode);
/* Moves `name` of the folder `from` to the place and makes both folders durable. */
bp_status change_move(struct fs_job *job, int from, const char *name, const struct place *place, const char *path);

#endif
