/* The host's own tables, their version, and what is noted in bp_meta. Main thread, before the other threads start. */
#ifndef HOST_STORE_SCHEMA_H
#define HOST_STORE_SCHEMA_H

#include "store/database.h"

#define SCHEMA_VERSION 2

/* Makes the file (0600) if `create`, or fails with BP_E_NOT_FOUND. *ret_is_new: it was empty. */
bp_status schema_prepare_file(const char *path, bool create, bool *ret_is_new, bp_error *err);
/* Brings the host's tables to SCHEMA_VERSION. A newer one is refused with the fix; so is a file of another program. */
bp_status schema_migrate(struct database *d, const char *path, bp_error *err);
/* The version in an opened store file, 0 for an empty one, -1 for a file that is none of ours. */
int64_t schema_version(struct database *d);

/* Values of bp_meta. */
int64_t meta_integer(struct database *d, const char *name, int64_t fallback);
int meta_set_integer(struct database *d, const char *name, int64_t value);

#endif
