/* The writer thread; see writer.h. Running one batch is batch.c. */
#include "store/writer.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/thread.h"
#include "loop/loop.h"
#include "store/batch.h"
#include "store/checkpoint.h"
#include "store/delivery.h"
#include "store/retention.h"
#include "store/schema.h"
#include "store/search.h"

#include <errno.h>
#include <pthread.h>

/* The longest that units gather on main; nobody waits while nothing comes. */
#define GATHER_MS 2
/* After this long without units the small background work runs, and after the longer time the log is truncated. */
#define IDLE_MS 100
#define TRUNCATE_MS 2000
#define PROBE_MS 1000
#define REST_MS (60 * 60 * 1000)

static const char probe_sql[] = "INSERT OR REPLACE INTO bp_meta (name, value) VALUES ('probe', zeroblob(65536))";
static const char probe_end_sql[] = "DELETE FROM bp_meta WHERE name = 'probe'";

static struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool is_running;
  /* Under the lock */
  struct unit *first, **last;
  struct search_job *searches, **last_search;
  struct writer_task *tasks, **last_task;
  uint64_t taken; /* units the thread has taken from the queue in all */
  bool is_waiting, is_ready, was_woken;
  /* [any] */
  atomic_bool is_stopping, is_readonly;
  /* Main's */
  struct unit *gathered, **last_gathered; /* not yet handed over */
  int64_t gathered_ms;                    /* since */
  uint64_t noticed;                       /* `submitted` at the end of the last tick */
  struct loop_hook tick;
  uint32_t queued_units;
  size_t queued_bytes;
  uint64_t submitted; /* units in all */
  /* The thread's */
  struct batch_writer commit;
  struct {
    bool index, retention, truncate;
    int64_t probed_ns;
  } due;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool writer_is_readonly(void) {
  return atomic_load_explicit(&writer.is_readonly, memory_order_relaxed);
}

bool writer_is_stopping(void) {
  return atomic_load_explicit(&writer.is_stopping, memory_order_relaxed);
}

uint32_t writer_queued(void) {
  return writer.queued_units;
}

static void signal_locked(void) {
  if (writer.is_waiting)
    pthread_cond_signal(&writer.wake);
}

/* ---- Main's side ---- */

static void hand_over(void) {
  if (!writer.gathered)
    return;
  pthread_mutex_lock(&writer.lock);
  *writer.last = writer.gathered;
  writer.last = writer.last_gathered;
  signal_locked();
  pthread_mutex_unlock(&writer.lock);
  writer.gathered = NULL;
  writer.last_gathered = &writer.gathered;
}

/* While every tick brings more, they gather for one commit. */
static void end_tick(void *arg) {
  (void)arg;
  bool has_more = writer.submitted != writer.noticed && loop_now_ms() - writer.gathered_ms < GATHER_MS;
  writer.noticed = writer.submitted;
  if (has_more)
    loop_next_tick_end(&writer.tick);
  else
    hand_over();
}

bp_status writer_submit(struct unit *u) {
  if (!writer.is_running || writer_is_stopping())
    return BP_E_STATE;
  if (writer_is_readonly())
    return BP_E_FULL;
  if (writer.queued_units >= WRITER_LIMIT_UNITS || writer.queued_bytes + u->bytes > WRITER_LIMIT_BYTES)
    return BP_E_BUSY;
  writer.submitted++;
  writer.queued_units++;
  writer.queued_bytes += u->bytes;
  u->next = NULL;
  if (!writer.gathered)
    writer.gathered_ms = loop_now_ms();
  *writer.last_gathered = u;
  writer.last_gathered = &u->next;
  loop_tick_end(&writer.tick);
  return BP_OK;
}

void writer_release(const struct unit *u) {
  writer.queued_units--;
  writer.queued_bytes -= u->bytes;
}

void writer_wake(void) {
  pthread_mutex_lock(&writer.lock);
  writer.was_woken = true;
  signal_locked();
  pthread_mutex_unlock(&writer.lock);
}

void writer_ready(void) {
  pthread_mutex_lock(&writer.lock);
  writer.is_ready = true;
  writer.was_woken = true;
  signal_locked();
  pthread_mutex_unlock(&writer.lock);
}

void writer_search(struct search_job *job) {
  hand_over();
  job->next = NULL;
  job->after_units = writer.submitted;
  pthread_mutex_lock(&writer.lock);
  *writer.last_search = job;
  writer.last_search = &job->next;
  signal_locked();
  pthread_mutex_unlock(&writer.lock);
}

bp_status writer_run(struct writer_task *task) {
  if (!writer.is_running || writer_is_stopping())
    return BP_E_STATE;
  task->next = NULL;
  pthread_mutex_lock(&writer.lock);
  *writer.last_task = task;
  writer.last_task = &task->next;
  signal_locked();
  pthread_mutex_unlock(&writer.lock);
  return BP_OK;
}

/* ---- The thread ---- */

static struct unit *take_locked(void) {
  struct unit *u = writer.first;
  if (u) {
    writer.taken++;
    writer.first = u->next;
    if (!writer.first)
      writer.last = &writer.first;
  }
  return u;
}

static struct unit *take_unit(void) {
  pthread_mutex_lock(&writer.lock);
  struct unit *u = take_locked();
  pthread_mutex_unlock(&writer.lock);
  return u;
}

static struct batch *take_batch_locked(void) {
  struct unit *u = take_locked();
  if (!u)
    return NULL;
  struct batch *b = batch_new();
  batch_add(b, u);
  while (b->unit_count < BATCH_LIMIT_UNITS && b->bytes < BATCH_LIMIT_BYTES && (u = take_locked()))
    batch_add(b, u);
  return b;
}

static struct search_job *take_search_locked(void) {
  struct search_job *job = writer.searches;
  if (!job || writer.taken < job->after_units)
    return NULL;
  writer.searches = job->next;
  if (!writer.searches)
    writer.last_search = &writer.searches;
  return job;
}

static struct writer_task *take_task_locked(void) {
  struct writer_task *task = writer.tasks;
  if (task && !(writer.tasks = task->next))
    writer.last_task = &writer.tasks;
  return task;
}

static void put_search_back(struct search_job *job) {
  pthread_mutex_lock(&writer.lock);
  job->next = writer.searches;
  writer.searches = job;
  if (!job->next)
    writer.last_search = &job->next;
  pthread_mutex_unlock(&writer.lock);
}

static int64_t rest_ms(void) {
  if (writer_is_readonly())
    return PROBE_MS;
  if (!writer.is_ready)
    return REST_MS;
  if (writer.due.index || writer.due.retention)
    return IDLE_MS;
  return writer.due.truncate ? TRUNCATE_MS : REST_MS;
}

/* Waits until there is something to do. True: the time for background work has come. */
static bool wait_locked(void) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ms = rest_ms();
  until.tv_sec += ms / 1000;
  until.tv_nsec += (ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  int rc = 0;
  writer.is_waiting = true;
  while (!writer.first && !writer.searches && !writer.tasks && !writer.was_woken && !writer_is_stopping() && rc != ETIMEDOUT)
    rc = pthread_cond_timedwait(&writer.wake, &writer.lock, &until);
  writer.is_waiting = false;
  return rc == ETIMEDOUT && writer.is_ready;
}

static void enter_readonly(int rc) {
  if (writer_is_readonly())
    return;
  log_error("store", "writing failed: %s; the store is read-only until there is space again", sqlite3_errstr(rc));
  atomic_store(&writer.is_readonly, true);
  writer.due.probed_ns = clock_monotonic_ns();
  delivery_announce(true);
}

/* Any background write that fails on the disk turns the store read-only, as a unit's would. */
static void note(int rc) {
  if (sql_is_store_failure(rc))
    enter_readonly(rc);
}

static void probe(void) {
  if (clock_monotonic_ns() - writer.due.probed_ns < (int64_t)PROBE_MS * 1000000)
    return;
  writer.due.probed_ns = clock_monotonic_ns();
  if (database_run(&writer.commit.db, probe_sql) != SQLITE_OK || database_run(&writer.commit.db, probe_end_sql) != SQLITE_OK)
    return;
  log_info("store", "writing works again");
  atomic_store(&writer.is_readonly, false);
  delivery_announce(false);
}

static void run_batch(struct batch *b) {
  batch_run(&writer.commit, b);
  checkpoint_if_long(&writer.commit.db);
  writer.due.index = writer.due.retention = writer.due.truncate = true;
}

static void run_task(struct writer_task *task) {
  task->run(task);
  completion_post(&task->completion);
}

static void run_search(struct search_job *job) {
  int rc = SQLITE_OK;
  bool is_complete = search_catch_up(&writer.commit, job, &rc);
  note(rc);
  if (is_complete)
    search_hand_over(job);
  else
    put_search_back(job);
}

/* One small piece of what is due, the most useful first. */
static void run_background(void) {
  int rc = SQLITE_OK;
  if (writer.due.index)
    writer.due.index = search_index_some(&writer.commit, &rc);
  else if (writer.due.retention)
    writer.due.retention = retention_run_some(&writer.commit, &rc);
  else if (writer.due.truncate)
    writer.due.truncate = !checkpoint_truncate(&writer.commit.db);
  else
    writer.due.retention = true; /* the hourly look at the age of the log */
  if (sql_is_store_failure(rc))
    writer.due.index = writer.due.retention = false;
  note(rc);
}

static void after_wake(bool was_woken) {
  if (!was_woken)
    return;
  programs_drop(&writer.commit.db, false);
  writer.due.index = writer.due.retention = true;
}

static void *writer_main(void *arg) {
  (void)arg;
  for (;;) {
    pthread_mutex_lock(&writer.lock);
    bool is_idle = wait_locked();
    bool was_woken = writer.was_woken;
    writer.was_woken = false;
    struct batch *b = take_batch_locked();
    struct search_job *job = take_search_locked();
    struct writer_task *task = take_task_locked();
    bool is_over = !b && !job && !task && writer_is_stopping();
    pthread_mutex_unlock(&writer.lock);
    if (is_over)
      break;
    after_wake(was_woken);
    if (writer_is_readonly())
      probe();
    if (b)
      run_batch(b);
    if (job)
      run_search(job);
    if (task)
      run_task(task);
    if (is_idle && !writer_is_readonly())
      run_background();
  }
  retention_save(&writer.commit);
  meta_set_integer(&writer.commit.db, "open", 0);
  checkpoint_truncate(&writer.commit.db);
  return NULL;
}

static void committed(const struct batch *b) {
  for (uint32_t i = 0; i < b->row_count; i++)
    retention_added(&b->rows[i]);
}

bp_status writer_start(const char *path, bp_error *err) {
  writer.commit = (struct batch_writer){.more = take_unit, .committed = committed, .store_failed = enter_readonly};
  bp_status status = batch_writer_open(&writer.commit, path, err);
  if (status != BP_OK)
    return status;
  writer.first = NULL;
  writer.last = &writer.first;
  writer.gathered = NULL;
  writer.last_gathered = &writer.gathered;
  writer.taken = writer.submitted = 0;
  writer.searches = NULL;
  writer.last_search = &writer.searches;
  writer.tasks = NULL;
  writer.last_task = &writer.tasks;
  writer.tick = (struct loop_hook){.fn = end_tick};
  writer.is_ready = false;
  atomic_store(&writer.is_stopping, false);
  atomic_store(&writer.is_readonly, false);
  checkpoint_watch(&writer.commit.db);
  retention_open(&writer.commit.db);
  thread_condition_init(&writer.wake);
  if (!thread_start(&writer.thread, "bp-writer", STORE_STACK_BYTES, writer_main, NULL)) {
    batch_writer_close(&writer.commit);
    return fail(err, BP_E_IO, "starting the store's writer thread failed");
  }
  writer.is_running = true;
  return BP_OK;
}

void writer_stop(void) {
  if (!writer.is_running)
    return;
  hand_over();
  loop_tick_forget(&writer.tick);
  atomic_store(&writer.is_stopping, true);
  writer_wake();
  pthread_join(writer.thread, NULL);
  batch_writer_close(&writer.commit);
  pthread_cond_destroy(&writer.wake);
  writer.is_running = false;
}
