/* The read pool; see reader.h. */
#include "store/reader.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/counters.h"
#include "store/statements.h"

#include <stdlib.h>

#define READERS 2
/* SQLite's virtual machine steps between looks at the deadline. */
#define STEPS_A_LOOK 4000

static const char sequence_sql[] = "SELECT max(seq) FROM live_log";

struct pool_thread {
  pthread_t thread;
  struct reader reader;
  struct read_job *running;
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  char *path;
  bool is_open, was_woken[READERS];
  struct read_job *first, **last;
  uint32_t jobs, started; /* waiting and running; threads */
  atomic_bool is_stopping;
  struct pool_thread threads[READERS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_cancelled(const struct read_job *job) {
  return job->program && atomic_load_explicit(&job->program->cancel_epoch, memory_order_acquire) != job->cancel_epoch;
}

static int look(void *ctx) {
  const struct pool_thread *t = ctx;
  if (atomic_load_explicit(&pool.is_stopping, memory_order_relaxed))
    return 1;
  return t->running && ((t->running->deadline_ns && clock_monotonic_ns() > t->running->deadline_ns) || is_cancelled(t->running));
}

static bool open_reader(struct pool_thread *t, struct read_job *job) {
  struct reader *r = &t->reader;
  if (r->db.db)
    return true;
  enum database_role role = DATABASE_READER_1 + (enum database_role)(t - pool.threads);
  if (database_open(&r->db, pool.path, role, &job->error) != BP_OK) {
    job->status = job->error.code;
    return false;
  }
  r->begin = database_prepare(&r->db, "BEGIN");
  r->end = database_prepare(&r->db, "COMMIT");
  r->sequence = database_prepare(&r->db, sequence_sql);
  sqlite3_progress_handler(r->db.db, STEPS_A_LOOK, look, t);
  return true;
}

static void close_reader(struct reader *r) {
  sqlite3_finalize(r->begin);
  sqlite3_finalize(r->end);
  sqlite3_finalize(r->sequence);
  database_close(&r->db);
  *r = (struct reader){0};
}

void read_job_fail(struct read_job *job, struct reader *r, int rc, const char *what, const char *name) {
  if ((rc & 0xff) != SQLITE_INTERRUPT) {
    job->status = sql_fail(r->db.db, rc, what, name, &job->error);
    return;
  }
  bool is_cancel = atomic_load(&pool.is_stopping) || is_cancelled(job);
  job->status = fail(&job->error, is_cancel ? BP_E_CANCELLED : BP_E_TIMEOUT, "%s \"%s\" %s", what, name,
                     is_cancel ? "was cancelled" : "did not finish before its deadline");
}

bool reader_begin(struct reader *r, struct read_job *job, uint64_t *ret_sequence) {
  int rc = r->begin && r->end && r->sequence ? sqlite3_step(r->begin) : SQLITE_ERROR;
  sqlite3_reset(r->begin);
  if (rc == SQLITE_DONE) {
    rc = sqlite3_step(r->sequence);
    *ret_sequence = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(r->sequence, 0) : 0;
    sqlite3_reset(r->sequence);
  }
  if (rc == SQLITE_ROW)
    return true;
  read_job_fail(job, r, rc, "beginning the read", "live_log");
  reader_end(r);
  return false;
}

void reader_end(struct reader *r) {
  if (!r->end || sqlite3_get_autocommit(r->db.db))
    return;
  sqlite3_step(r->end);
  sqlite3_reset(r->end);
}

static bool may_run(struct read_job *job) {
  if (job->status != BP_OK)
    return false;
  if (atomic_load(&pool.is_stopping) || is_cancelled(job))
    job->status = fail(&job->error, BP_E_CANCELLED, "the read was cancelled before it began");
  else if (job->deadline_ns && clock_monotonic_ns() > job->deadline_ns)
    job->status = fail(&job->error, BP_E_TIMEOUT, "the read waited longer than its deadline");
  return job->status == BP_OK;
}

static void serve(struct pool_thread *t, struct read_job *job) {
  t->running = job;
  if (may_run(job) && open_reader(t, job))
    job->run(job, &t->reader);
  t->running = NULL;
  counters_add_read();
  pthread_mutex_lock(&pool.lock);
  pool.jobs--;
  pthread_mutex_unlock(&pool.lock);
  completion_post(&job->completion);
}

static struct read_job *next_job_locked(size_t index) {
  while (!pool.first && !pool.was_woken[index] && !atomic_load(&pool.is_stopping))
    pthread_cond_wait(&pool.wake, &pool.lock);
  struct read_job *job = pool.first;
  if (job) {
    pool.first = job->next;
    if (!pool.first)
      pool.last = &pool.first;
  }
  return job;
}

static void *reader_main(void *arg) {
  struct pool_thread *t = arg;
  size_t index = (size_t)(t - pool.threads);
  for (;;) {
    pthread_mutex_lock(&pool.lock);
    struct read_job *job = next_job_locked(index);
    bool was_woken = pool.was_woken[index];
    pool.was_woken[index] = false;
    bool is_over = !job && atomic_load(&pool.is_stopping);
    pthread_mutex_unlock(&pool.lock);
    if (was_woken && t->reader.db.db)
      programs_drop(&t->reader.db, false);
    if (job)
      serve(t, job);
    if (is_over)
      break;
  }
  close_reader(&t->reader);
  return NULL;
}

/* A second thread only where the first is busy. */
static bool start_thread_locked(void) {
  if (pool.jobs < pool.started || pool.started == READERS)
    return true;
  struct pool_thread *t = &pool.threads[pool.started];
  if (!thread_start(&t->thread, "bp-reader", STORE_STACK_BYTES, reader_main, t))
    return pool.started > 0;
  pool.started++;
  return true;
}

static bool queue(struct read_job *job, uint32_t limit) {
  pthread_mutex_lock(&pool.lock);
  bool has_room = pool.is_open && pool.jobs < limit && start_thread_locked();
  if (has_room) {
    pool.jobs++;
    job->next = NULL;
    *pool.last = job;
    pool.last = &job->next;
    pthread_cond_signal(&pool.wake);
  }
  pthread_mutex_unlock(&pool.lock);
  return has_room;
}

bp_status reader_submit(struct read_job *job) {
  return queue(job, READER_LIMIT_JOBS) ? BP_OK : BP_E_BUSY;
}

void reader_pass_on(struct read_job *job) {
  if (queue(job, UINT32_MAX))
    return;
  job->status = fail(&job->error, BP_E_CANCELLED, "the read was cancelled before it began");
  completion_post(&job->completion);
}

uint32_t readers_busy(void) {
  pthread_mutex_lock(&pool.lock);
  uint32_t jobs = pool.jobs;
  pthread_mutex_unlock(&pool.lock);
  return jobs;
}

bool readers_are_stopping(void) {
  return atomic_load_explicit(&pool.is_stopping, memory_order_relaxed);
}

void readers_wake(void) {
  pthread_mutex_lock(&pool.lock);
  for (size_t i = 0; i < READERS; i++)
    pool.was_woken[i] = true;
  if (pool.is_open)
    pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
}

void readers_open(const char *path) {
  pool.path = str_dupz(str_from(path));
  pool.first = NULL;
  pool.last = &pool.first;
  pool.jobs = pool.started = 0;
  atomic_store(&pool.is_stopping, false);
  thread_condition_init(&pool.wake);
  pool.is_open = true;
}

void readers_close(void) {
  if (!pool.is_open)
    return;
  pthread_mutex_lock(&pool.lock);
  pool.is_open = false;
  atomic_store(&pool.is_stopping, true);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (uint32_t i = 0; i < pool.started; i++)
    pthread_join(pool.threads[i].thread, NULL);
  pthread_cond_destroy(&pool.wake);
  free(pool.path);
  pool.path = NULL;
}
