/* Bringing a plugin's declarations into the database: migrations, search indexes, and the checks of its statements.
 *
 * On main while the host starts; later on the writer thread, since a migration may take long. The seam is store_add. */
#ifndef HOST_STORE_ADD_H
#define HOST_STORE_ADD_H

#include "store/migrate.h"
#include "store/store.h"

/* Does it all on this thread, over a connection of the role DATABASE_SCHEMA. */
bp_status add_program(struct database *d, struct migrate_run *run, struct program *p, const bp_array *migrations, const bp_array *searches,
                      bp_error *err);
/* The same on the writer thread, over a connection for it alone; counts as pending of the program until `done`, and ends early with
 * BP_E_CANCELLED once the program's calls are cancelled or the store closes. Where BP_OK is not returned `done` never runs. Main. */
bp_status add_on_writer(struct migrate_run *run, struct program *p, const bp_array *migrations, const bp_array *searches, store_added_fn done,
                        void *ctx);

#endif
