/* The state folder: where it is, and whether it may be trusted. */
#ifndef HOST_STATE_DIR_H
#define HOST_STATE_DIR_H

#include <backplane/base.h>

/* The absolute path of the folder, owned by the caller: `from_command_line`, else $XDG_STATE_HOME/backplane, else
 * ~/.local/state/backplane. NULL when there is no home folder to put it in. Touches nothing. */
char *state_dir_find(const char *from_command_line);
/* Makes the folder (0700, with missing parents) or checks the one that is there: a folder, ours, closed to group and others. */
bp_status state_dir_prepare(const char *path, bp_error *err);

#endif
