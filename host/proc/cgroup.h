/* A cgroup of its own for every child, where the host's cgroup (v2) was delegated to us; elsewhere all this does nothing. */
#ifndef HOST_PROC_CGROUP_H
#define HOST_PROC_CGROUP_H

/* Finds out whether we may. `root`: where cgroup2 is mounted. */
void cgroup_init(const char *root);
/* Makes the child's group; returns the descriptor to enter it by (write "0"), or -1. */
int cgroup_make(const char *name);
/* Kills everything in it at once. */
void cgroup_kill(const char *name);
/* Removes it once empty. */
void cgroup_remove(const char *name);
void cgroup_release(void);

#endif
