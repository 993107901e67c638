/* What the process allows itself: file modes, limits, cores, memory. */
#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H

#include <stdbool.h>

/* Before anything is opened or started. `keep_cores`: core files and debuggers stay allowed. */
void process_prepare(bool keep_cores);

#endif
