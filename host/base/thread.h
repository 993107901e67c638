/* The host's own threads. Each marks itself when it starts, so that a thread a plugin left running can be told apart. */
#ifndef HOST_BASE_THREAD_H
#define HOST_BASE_THREAD_H

#include <stdbool.h>
#include <sys/types.h>

/* The calling thread is the host's, until it ends. `name`: at most 15 bytes, shown by ps and debuggers. */
void thread_mark_host(const char *name);
bool thread_is_host(pid_t tid);

#endif
