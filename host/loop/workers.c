/* The worker pool; see workers.h. One lock, three lists: waiting, running, finished but not yet told. */
#include "loop/workers.h"
#include "base/log.h"
#include "base/thread.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stddef.h>

#define WORKER_COUNT 2
#define WORKER_STACK_BYTES (256 * 1024)

struct work_list {
  struct work *head, *tail;
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t work_came;
  pthread_t threads[WORKER_COUNT];
  struct work *running[WORKER_COUNT];
  unsigned thread_count, idle_count;
  bool should_stop;
  struct work_list waiting, finished;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work_came = PTHREAD_COND_INITIALIZER};

static void list_append(struct work_list *list, struct work *work) {
  work->next = NULL;
  if (list->tail)
    list->tail->next = work;
  else
    list->head = work;
  list->tail = work;
}

static struct work *list_take(struct work_list *list) {
  struct work *work = list->head;
  if (work) {
    list->head = work->next;
    if (!list->head)
      list->tail = NULL;
  }
  return work;
}

/* Main: calls `done` of what is finished. Cancelled work is marked by a NULL `run`. */
static void tell_finished(void *arg) {
  (void)arg;
  for (;;) {
    pthread_mutex_lock(&pool.lock);
    struct work *work = list_take(&pool.finished);
    pthread_mutex_unlock(&pool.lock);
    if (!work)
      return;
    work->done(work, work->run == NULL);
  }
}

/* With the lock held. */
static void finish(struct work *work) {
  bool is_first = pool.finished.head == NULL;
  list_append(&pool.finished, work);
  if (is_first)
    loop_post(tell_finished, NULL);
}

static void *worker_main(void *arg) {
  struct work **slot = arg;
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (!pool.waiting.head && !pool.should_stop) {
      pool.idle_count++;
      pthread_cond_wait(&pool.work_came, &pool.lock);
      pool.idle_count--;
    }
    if (pool.should_stop)
      break;
    struct work *work = list_take(&pool.waiting);
    *slot = work;
    pthread_mutex_unlock(&pool.lock);
    work->run(work);
    pthread_mutex_lock(&pool.lock);
    *slot = NULL;
    finish(work);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

/* With the lock held. */
static bool start_thread(void) {
  unsigned index = pool.thread_count;
  if (!thread_start(&pool.threads[index], "worker", WORKER_STACK_BYTES, worker_main, &pool.running[index])) {
    log_error("loop", "cannot start a worker thread");
    return false;
  }
  pool.thread_count++;
  return true;
}

void workers_submit(struct work *work) {
  LOOP_MAIN();
  pthread_mutex_lock(&pool.lock);
  bool can_run = true;
  if (pool.should_stop)
    can_run = false;
  else if (pool.idle_count == 0 && pool.thread_count < WORKER_COUNT)
    can_run = start_thread() || pool.thread_count > 0;
  if (can_run) {
    list_append(&pool.waiting, work);
    pthread_cond_signal(&pool.work_came);
  } else {
    work->run = NULL;
    finish(work);
  }
  pthread_mutex_unlock(&pool.lock);
}

/* With the lock held: moves waiting work, of one owner or of all, to the finished list as cancelled. */
static void cancel_waiting(const void *owner, bool all) {
  struct work_list kept = {0};
  struct work *work;
  while ((work = list_take(&pool.waiting))) {
    if (!all && work->owner != owner) {
      list_append(&kept, work);
      continue;
    }
    work->run = NULL;
    finish(work);
  }
  pool.waiting = kept;
}

void workers_cancel(const void *owner) {
  LOOP_MAIN();
  pthread_mutex_lock(&pool.lock);
  cancel_waiting(owner, false);
  pthread_mutex_unlock(&pool.lock);
}

static unsigned list_count(const struct work_list *list, const void *owner) {
  unsigned count = 0;
  for (const struct work *work = list->head; work; work = work->next)
    count += work->owner == owner;
  return count;
}

unsigned workers_pending(const void *owner) {
  pthread_mutex_lock(&pool.lock);
  unsigned count = list_count(&pool.waiting, owner) + list_count(&pool.finished, owner);
  for (unsigned i = 0; i < WORKER_COUNT; i++)
    count += pool.running[i] && pool.running[i]->owner == owner;
  pthread_mutex_unlock(&pool.lock);
  return count;
}

void workers_stop(void) {
  LOOP_MAIN();
  pthread_mutex_lock(&pool.lock);
  cancel_waiting(NULL, true);
  pool.should_stop = true;
  pthread_cond_broadcast(&pool.work_came);
  pthread_mutex_unlock(&pool.lock);
  for (unsigned i = 0; i < pool.thread_count; i++)
    pthread_join(pool.threads[i], NULL);
  pool.thread_count = 0;
  tell_finished(NULL); /* which may submit more, to be cancelled */
  pool.should_stop = false;
}
