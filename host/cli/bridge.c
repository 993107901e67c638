/* Lines and threads of a bridge over stdio; see bridge.h. */
#include "cli/bridge.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUESTS_MAX 64u
#define LINE_BYTES_MAX (16u << 20)

struct job {
  void (*request)(void *arg);
  void *arg;
};

static struct {
  pthread_mutex_t lock; /* guards `running` */
  pthread_cond_t fewer;
  unsigned running;
  pthread_mutex_t out; /* whole lines on stdout */
} bridge = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, PTHREAD_MUTEX_INITIALIZER};

bool bridge_put(bp_str line) {
  pthread_mutex_lock(&bridge.out);
  fwrite(line.ptr, 1, line.len, stdout);
  fputc('\n', stdout);
  bool is_read = fflush(stdout) == 0;
  pthread_mutex_unlock(&bridge.out);
  return is_read;
}

static void wait_for_fewer(unsigned most) {
  pthread_mutex_lock(&bridge.lock);
  while (bridge.running > most)
    pthread_cond_wait(&bridge.fewer, &bridge.lock);
  pthread_mutex_unlock(&bridge.lock);
}

static void count(unsigned more) {
  pthread_mutex_lock(&bridge.lock);
  bridge.running += more;
  pthread_cond_signal(&bridge.fewer);
  pthread_mutex_unlock(&bridge.lock);
}

static void *run_job(void *arg) {
  struct job job = *(struct job *)arg;
  free(arg);
  job.request(job.arg);
  count(UINT32_MAX); /* one less */
  return NULL;
}

void bridge_request(void (*request)(void *arg), void *arg) {
  pthread_t thread;
  struct job *job = mem_alloc(sizeof(*job));
  *job = (struct job){request, arg};
  wait_for_fewer(REQUESTS_MAX - 1);
  count(1);
  if (pthread_create(&thread, NULL, run_job, job) == 0)
    pthread_detach(thread);
  else
    run_job(job);
}

void bridge_run(void (*take)(bp_str line)) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len;
  signal(SIGPIPE, SIG_IGN);
  while ((len = getline(&line, &capacity, stdin)) > 0) {
    bp_str text = str_trim(bp_str_make(line, (size_t)len));
    if (text.len > 0 && text.len <= LINE_BYTES_MAX)
      take(text);
  }
  free(line);
  wait_for_fewer(0);
}
