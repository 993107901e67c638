/* Waiting for what ends: the host is the reaper of all that its children leave behind (PR_SET_CHILD_SUBREAPER). */
#ifndef HOST_PROC_REAP_H
#define HOST_PROC_REAP_H

#include <stdbool.h>

bool reap_init(void);
void reap_release(void);

#endif
