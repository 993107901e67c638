/* Child processes, for the rest of the host. Plugins use bp.proc/1 (proc_table.c). */
#ifndef HOST_PROC_PROC_H
#define HOST_PROC_PROC_H

#include <backplane/base.h>

struct plugin;

/* Becomes the reaper of everything below, finds surviving children of earlier runs, and ends what else those left behind.
 * Before any plugin is started. */
bp_status proc_init(const char *state_dir, bp_error *err);
/* Children of the plugin that are still ending: its drain waits for them. */
unsigned proc_pending(const struct plugin *plugin);
/* Ends every bound child, at once now, then calls `done`; after 2 s in any case. Surviving ones stay. */
void proc_stop(void (*done)(void *arg), void *arg);
/* KILL to every bound child, without waiting: the host leaves. */
void proc_kill_all(void);
/* After the workers were stopped. */
void proc_release(void);

#endif
