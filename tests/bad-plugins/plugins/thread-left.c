/* Starts a thread of its own and forgets it; the thread's code lies in this file. */
#include "bad.h"

#include <pthread.h>
#include <unistd.h>

static void *run(void *arg) {
  volatile unsigned *turns = arg;
  for (;;) {
    *turns += 1;
    usleep(1000);
  }
  return NULL;
}
static bp_status start(void *state, bp_error *err) {
  static unsigned turns;
  pthread_t thread;
  (void)state;
  (void)err;
  return pthread_create(&thread, NULL, run, &turns) == 0 ? BP_OK : BP_E_IO;
}
DESCRIPTOR("thread-left", .start = start)
