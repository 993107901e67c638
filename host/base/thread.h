/* The host's own threads: small stacks, named, without signals but the fatal ones; and telling them from plugins' threads. */
#ifndef HOST_BASE_THREAD_H
#define HOST_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts `run` on a thread of the host's. `name`: a literal of at most 15 bytes, shown by ps and debuggers. */
bool thread_start(pthread_t *ret, const char *name, size_t stack_bytes, void *(*run)(void *), void *arg);
/* True for the threads started here, until they end. */
bool thread_is_host(pid_t tid);
/* A condition that waits on the monotonic clock. */
void thread_condition_init(pthread_cond_t *cond);

#endif
