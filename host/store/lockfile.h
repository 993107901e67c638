/* The state folder's lock: one host a folder. The lock is flock's, held for the life of the process; the pid in the file is
 * information for people only. */
#ifndef HOST_STORE_LOCKFILE_H
#define HOST_STORE_LOCKFILE_H

#include <backplane/base.h>

/* Takes STATE/lock. Returns a descriptor to keep open, or -1 with `err`: BP_E_STATE when another process holds it, with its
 * pid in the message. */
int lockfile_take(const char *state_dir, bp_error *err);
/* Lets it go. -1 is fine. */
void lockfile_drop(int fd);

#endif
