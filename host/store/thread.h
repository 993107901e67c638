/* Starting the store's threads: small stacks, a name, no signals. */
#ifndef HOST_STORE_THREAD_H
#define HOST_STORE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

bool thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg);
/* A condition that waits on the monotonic clock. */
void thread_condition_init(pthread_cond_t *cond);

#endif
