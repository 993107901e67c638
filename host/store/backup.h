/* Consistent copies of the store by SQLite's backup API, made whole and synced before they get their name.
 *
 * Does not live here: putting one in place (restore.c). */
#ifndef HOST_STORE_BACKUP_H
#define HOST_STORE_BACKUP_H

#include "store/database.h"

/* Called between pieces; true stops the copy with BP_E_CANCELLED. */
typedef bool (*backup_stop_fn)(void);

/* Copies what `from` sees now (one snapshot) to `path`, replacing nothing: BP_E_EXISTS. Mode 0600, fsync of file and folder.
 * `stop` may be NULL. */
bp_status backup_copy(sqlite3 *from, const char *path, backup_stop_fn stop, bp_error *err);
/* Copies to <folder of path>/backups/before-<time>.db and keeps the newest five of these. */
bp_status backup_before_migration(struct database *d, const char *path, backup_stop_fn stop, bp_error *err);
/* <folder of state_path>/backups/<kind>-<time>.db; makes the folder. Free with free; NULL with `err`. */
char *backup_name(const char *state_path, const char *kind, bp_error *err);

#endif
