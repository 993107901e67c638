/* The host's own threads; see thread.h. */
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define HOST_THREADS_MAX 64

static struct {
  pthread_mutex_t lock;
  pid_t tids[HOST_THREADS_MAX];
  unsigned count;
} threads = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

/* Runs when such a thread ends: its number may be taken by any thread from then on. */
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

static void mark_host(void) {
  pthread_once(&key_once, make_key);
  pthread_setspecific(key, &threads);
  pthread_mutex_lock(&threads.lock);
  if (threads.count < HOST_THREADS_MAX)
    threads.tids[threads.count++] = gettid();
  pthread_mutex_unlock(&threads.lock);
}

struct beginning {
  const char *name;
  void *(*run)(void *);
  void *arg;
};

static void *begin(void *arg) {
  struct beginning beginning = *(struct beginning *)arg;
  free(arg);
  pthread_setname_np(pthread_self(), beginning.name);
  mark_host();
  return beginning.run(beginning.arg);
}

/* Signals belong to main. A fault's own must stay open, or it would kill without a word of who did it. */
static void block_signals(sigset_t *ret_before) {
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  sigset_t blocked;
  sigfillset(&blocked);
  for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
    sigdelset(&blocked, fatal[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, ret_before);
}

bool thread_start(pthread_t *ret, const char *name, size_t stack_bytes, void *(*run)(void *), void *arg) {
  pthread_attr_t attr;
  sigset_t before;
  struct beginning *beginning = malloc(sizeof(*beginning));
  if (!beginning || pthread_attr_init(&attr) != 0) {
    free(beginning);
    return false;
  }
  *beginning = (struct beginning){.name = name, .run = run, .arg = arg};
  pthread_attr_setstacksize(&attr, stack_bytes);
  block_signals(&before); /* the new thread inherits the mask */
  int error = pthread_create(ret, &attr, begin, beginning);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  if (error)
    free(beginning);
  return error == 0;
}

void thread_condition_init(pthread_cond_t *cond) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
}

bool thread_is_host(pid_t tid) {
  bool found = false;
  pthread_mutex_lock(&threads.lock);
  for (unsigned i = 0; i < threads.count && !found; i++)
    found = threads.tids[i] == tid;
  pthread_mutex_unlock(&threads.lock);
  return found;
}
