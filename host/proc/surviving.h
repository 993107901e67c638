/* What lets a child outlive the host: its output files and its record, in STATE/modules/ID/proc/.
 *
 *   NAME.out, NAME.err     what it writes; the former start's are NAME.out.1 and NAME.err.1
 *   NAME.json              {"boot_id","marker","name","pid","started"} while it runs */
#ifndef HOST_PROC_SURVIVING_H
#define HOST_PROC_SURVIVING_H

#include "proc/child.h"

#define SURVIVING_GRACE_MS 5000u

/* The child's end of a new output file; -1 with errno. `stream`: 0 or 1. */
int surviving_open_output(const struct child *child, unsigned stream);
/* Reads its files from now on: from the start, or only what is new, with the ring filled from what is old. */
void surviving_follow(struct child *child, bool is_adopted);
/* Stops reading them. Bound children have none. */
void surviving_close(struct child *child);
/* Writes or removes the record. */
void surviving_record(const struct child *child);
void surviving_forget(const struct child *child);
/* Finds what runs still of earlier runs, and makes ownerless children of it; records of what has ended are removed. */
void surviving_load(const char *state_dir);

#endif
