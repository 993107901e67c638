/* What the process allows itself: file modes, limits, cores, memory. */
#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the process was given before it allowed itself more: children get these back. */
struct process_before {
  mode_t umask;
  struct rlimit files; /* rlim_max 0: not known */
};
extern struct process_before process_before;

/* Before anything is opened or started. `keep_cores`: core files and debuggers stay allowed. */
void process_prepare(bool keep_cores);
/* Once started: gives back to the system what only starting needed, memory and code. With `keep_cores` code stays, as a debugger may have
 * put breakpoints into it. */
void process_trim(bool keep_cores);

#endif
