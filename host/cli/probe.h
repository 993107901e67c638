/* Running code that may crash, hang or eat memory in a limited child, and getting its JSON answer back. */
#ifndef HOST_CLI_PROBE_H
#define HOST_CLI_PROBE_H

#include "json/json.h"
#include <backplane/base.h>

/* A private folder (0700) for copies of plugin files, for probe_folder_remove; NULL (said on stderr) on failure. */
char *probe_folder(void);
/* Removes the folder with the files in it. NULL is fine. */
void probe_folder_remove(char *folder);

/* For answers that come from a child or the host: deep enough, and as many members as memory takes. */
extern const struct doc_limits probe_limits;

/* What runs in the child: its answer, or NULL with `err`. */
typedef json_t *(*probe_fn)(void *arg, bp_error *err);
/* Forks; the child has 10 s of CPU, 30 s in all and 1 GiB of address space. Returns its answer, or NULL with `err` filled: its
 * own error, or how it died. Only while this process has one thread. */
json_t *probe_run(probe_fn run, void *arg, bp_error *err);

#endif
