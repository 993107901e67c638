/* Plugins' declared migrations: checked, backed up before, run under the fence. On the schema connection: main's while the host starts,
 * later one of the writer thread (add.h); never on both at once. */
#ifndef HOST_STORE_MIGRATE_H
#define HOST_STORE_MIGRATE_H

#include "store/statements.h"

/* What this run of the store knows of the database file. */
struct migrate_run {
  const char *path;
  bool is_new;        /* the file was made by this run: nothing to back up */
  bool is_backed_up;  /* once before the first migration of a run */
  bool is_ready;      /* the host serves already: a plugin's pending migration needs a restart */
  bool (*stop)(void); /* asked while a backup is copied: true gives up; may be NULL */
};

/* Runs what is pending, each migration in a transaction of its own with the note of its version. Gaps, and a recorded version
 * newer than declared, are refused with the fix. */
bp_status migrate_plugin(struct database *d, struct migrate_run *run, struct program *p, const bp_array *migrations, bp_error *err);
/* Fills the fence's names of all objects and prefixes from the database; call before checking statements. */
void catalog_load(struct database *d);
void catalog_release(struct database *d);

#endif
