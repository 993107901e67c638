/* The mark that every child carries in its environment and hands down to whatever it starts: BACKPLANE_CHILD=
 * STATE.RUN.NUMBER. It tells, after a double fork or after the host was killed, whose a process is. */
#ifndef HOST_PROC_MARKER_H
#define HOST_PROC_MARKER_H

#include <backplane/base.h>
#include <stdbool.h>

#define MARKER_NAME "BACKPLANE_CHILD"
#define MARKER_BYTES 64

/* Reads or makes the state folder's id (STATE/proc.id) and draws this run's. */
bp_status marker_init(const char *state_dir, bp_error *err);
/* A new mark of this run. */
void marker_next(char ret[MARKER_BYTES]);
/* True for a mark of this state folder, made by an earlier run. Any thread. */
bool marker_is_of_earlier_run(const char *marker);

#endif
