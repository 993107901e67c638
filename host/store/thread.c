/* Threads of the store; see thread.h. */
#include "store/thread.h"

#include <signal.h>

/* SQLite's parser and FTS5 stay well below this; a thread's default would be 8 MiB of address space. */
#define STACK_BYTES (512 * 1024)

bool thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg) {
  pthread_attr_t attr;
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_attr_init(&attr) != 0)
    return false;
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  /* The new thread inherits the mask: signals belong to main. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int rc = pthread_create(ret, &attr, run, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  if (rc != 0)
    return false;
  pthread_setname_np(*ret, name);
  return true;
}

void thread_condition_init(pthread_cond_t *cond) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
}
