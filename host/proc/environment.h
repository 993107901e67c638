/* A child's environment, built from nothing: an allow list, the mark, and what the plugin declared. */
#ifndef HOST_PROC_ENVIRONMENT_H
#define HOST_PROC_ENVIRONMENT_H

#include <backplane/proc.h>
#include <stdbool.h>

#define ENVIRONMENT_PATH "/usr/local/bin:/usr/bin:/bin"

/* True for names that a child may never be given: they make a program run other code than it was written to run. */
bool environment_is_refused(bp_str name);
/* "NAME=value" texts in one allocation, ended by NULL, without the mark: `declared` are bp_proc_env. NULL and `err`:
 * BP_E_INVALID (not a name, a NUL), BP_E_DENIED, BP_E_LIMIT. Freed with free(). The first place is empty, for the mark. */
char **environment_build(bp_array declared, bool has_terminal, bp_error *err);

#endif
