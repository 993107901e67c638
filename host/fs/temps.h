/* Notes of the temporary files that are being written anywhere, so that what a killed host leaves half-written is removed at its
 * next start: for each a link STATE/fs-temps/<temporary name> that leads to the folder it is in. */
#ifndef HOST_FS_TEMPS_H
#define HOST_FS_TEMPS_H

#include <backplane/base.h>

/* Makes the folder of notes and removes what an earlier run's notes name. Blocks: at start only. Without it, nothing is noted. */
bp_status temps_open(const char *state_dir, bp_error *err);
void temps_close(void);

/* Before the temporary file or folder is made, and after it is in place or gone. A note that cannot be taken is no failure. */
void temps_note(int folder, const char *name);
void temps_forget(const char *name);

#endif
