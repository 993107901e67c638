/* The list of the host's own threads; see thread.h. */
#include "base/thread.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define HOST_THREADS_MAX 64

static struct {
  pthread_mutex_t lock;
  pid_t tids[HOST_THREADS_MAX];
  unsigned count;
} threads = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

/* Runs when a marked thread ends: its number may be taken by any thread from then on. */
static void forget(void *arg) {
  (void)arg;
  pid_t self = gettid();
  pthread_mutex_lock(&threads.lock);
  for (unsigned i = 0; i < threads.count; i++)
    if (threads.tids[i] == self)
      threads.tids[i--] = threads.tids[--threads.count];
  pthread_mutex_unlock(&threads.lock);
}

static void make_key(void) {
  pthread_key_create(&key, forget);
}

void thread_mark_host(const char *name) {
  pid_t self = gettid();
  pthread_once(&key_once, make_key);
  pthread_setspecific(key, &threads);
  if (self != getpid()) /* the main thread's name is the process's */
    pthread_setname_np(pthread_self(), name);
  pthread_mutex_lock(&threads.lock);
  if (threads.count < HOST_THREADS_MAX)
    threads.tids[threads.count++] = self;
  pthread_mutex_unlock(&threads.lock);
}

bool thread_is_host(pid_t tid) {
  bool found = false;
  pthread_mutex_lock(&threads.lock);
  for (unsigned i = 0; i < threads.count && !found; i++)
    found = threads.tids[i] == tid;
  pthread_mutex_unlock(&threads.lock);
  return found;
}
