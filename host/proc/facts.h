/* What /proc tells of processes. A pid alone names nobody: pid and start time together name one process of this boot. */
#ifndef HOST_PROC_FACTS_H
#define HOST_PROC_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_fact {
  pid_t pid, parent, group, session;
  int64_t started; /* clock ticks since boot: field 22 of /proc/PID/stat */
  uid_t owner;
  bool is_dead; /* a zombie: nobody has waited for it yet */
};

/* False if there is no such process. Any thread, as all below. */
bool fact_read(pid_t pid, struct proc_fact *ret);
/* True while `pid` is still the process that started then, and not a zombie. */
bool fact_is_same(pid_t pid, int64_t started);
/* All processes in order of pid: an array owned by the caller; NULL without memory. */
struct proc_fact *facts_all(size_t *ret_count);
/* True for this process and for everything above it. */
bool fact_is_host_or_above(pid_t pid);
/* True while this process has a child, zombies aside, that is not one of the `count` known ones in rising order. */
bool fact_has_other_child(const pid_t *known, size_t count);
/* This boot's id; empty if the kernel does not say. */
const char *fact_boot_id(void);
/* Copies the value of `name` in the environment the process was started with; false if it has none or may not be read. */
bool fact_environment(pid_t pid, const char *name, char *ret, size_t ret_bytes);

#endif
