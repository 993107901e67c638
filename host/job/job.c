/* Open jobs; see job.h. A job is on the list from `open` until the row of its end is stored, and no reading that began before that
 * is under way. */
#include "job/job.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "base/strmap.h"
#include "job/history.h"
#include "job/rows.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID_BYTES 29 /* "job_", 24 hex digits, NUL */
#define HOUR_S 3600

struct job {
  struct owned owned; /* first; until it ends */
  struct job *next, *previous;
  bp_job handle;
  char id[ID_BYTES];
  char *module, *kind, *title, *principal;
  bp_job_cancel_fn cancel;
  void *ctx;
  bool was_asked_to_cancel;
  bool is_unwritten;     /* ended, and the store has not taken it yet */
  bool is_over;          /* its end is stored */
  uint64_t last_reading; /* that began before that */
  int64_t opened_ms, finished_ms, published_ms;
  /* Under the lock */
  uint64_t done_units, total_units;
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  bool is_dirty;      /* progress not yet published */
  const char *status; /* a word of view.h; "running" until it ends */
  char *result;
  size_t result_len;
};

static struct {
  pthread_mutex_t lock; /* guards handles, is_posted, and of each job what says so */
  struct slots handles;
  bool is_posted;
  /* Main's */
  struct strmap by_id;
  struct job *first;
  struct job_reading *oldest, *youngest;
  uint64_t readings;
  struct event *tick, *hourly;
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t wall_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t to_units(uint64_t units) {
  return units > INT64_MAX ? INT64_MAX : (int64_t)units;
}

/* Cut to the limit, on a character. */
static bp_str cut(bp_str text) {
  if (text.len <= JOB_LIMIT_TEXT_BYTES)
    return text;
  text.len = JOB_LIMIT_TEXT_BYTES;
  while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
    text.len--;
  return text;
}

/* `text` holds the copy of what another thread may change. */
static struct job_view view_of(const struct job *job, char text[JOB_LIMIT_TEXT_BYTES + 1]) {
  struct job_view view = {
      .id = str_from(job->id),
      .module = str_from(job->module),
      .kind = str_from(job->kind),
      .title = str_from(job->title),
      .principal = str_from(job->principal),
      .can_cancel = job->cancel != NULL,
      .opened_ms = job->opened_ms,
      .finished_ms = job->finished_ms,
  };
  pthread_mutex_lock(&jobs.lock);
  memcpy(text, job->text, JOB_LIMIT_TEXT_BYTES + 1);
  view.done_units = to_units(job->done_units);
  view.total_units = to_units(job->total_units);
  view.status = str_from(job->finished_ms ? job->status : "running");
  if (job->finished_ms)
    view.result = bp_str_make(job->result, job->result_len);
  pthread_mutex_unlock(&jobs.lock);
  view.text = str_from(text);
  return view;
}

static void job_free(struct job *job) {
  owned_remove(&job->owned);
  strmap_remove(&jobs.by_id, str_from(job->id));
  *(job->previous ? &job->previous->next : &jobs.first) = job->next;
  if (job->next)
    job->next->previous = job->previous;
  free(job->module);
  free(job->kind);
  free(job->title);
  free(job->principal);
  free(job->result);
  free(job);
}

static void start_tick(void) {
  const struct timeval interval = {.tv_usec = JOB_PROGRESS_MS * 1000};
  if (jobs.tick && !evtimer_pending(jobs.tick, NULL))
    event_add(jobs.tick, &interval);
}

/* ---- The end ---- */

static void free_unread(void) {
  uint64_t oldest = jobs.oldest ? jobs.oldest->number : UINT64_MAX;
  for (struct job *job = jobs.first, *next; job; job = next) {
    next = job->next;
    if (job->is_over && job->last_reading < oldest)
      job_free(job);
  }
}

void job_reading_begin(struct job_reading *reading) {
  LOOP_MAIN();
  *reading = (struct job_reading){.previous = jobs.youngest, .number = ++jobs.readings};
  *(reading->previous ? &reading->previous->next : &jobs.oldest) = reading;
  jobs.youngest = reading;
}

void job_reading_end(struct job_reading *reading) {
  LOOP_MAIN();
  *(reading->previous ? &reading->previous->next : &jobs.oldest) = reading->next;
  *(reading->next ? &reading->next->previous : &jobs.youngest) = reading->previous;
  free_unread();
}

static void on_end_written(void *ctx, const bp_db_outcome *outcome) {
  struct job *job = ctx;
  if (outcome->status == BP_E_FULL) {
    job->is_unwritten = true;
    start_tick();
    return;
  }
  if (outcome->status != BP_OK)
    log_error("bp.job", "cannot store the end of job %s: %s", job->id, outcome->error->message);
  job->is_over = true;
  job->last_reading = jobs.readings;
  free_unread();
}

/* A store that takes nothing now is asked again. */
static void write_end(struct job *job) {
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  const struct job_view view = view_of(job, text);
  bp_error err = BP_ERROR_INIT;
  bp_status status = job_row_write(&view, on_end_written, job, &err);
  job->is_unwritten = status != BP_OK;
  if (job->is_unwritten)
    start_tick();
}

static void end(void *arg) {
  struct job *job = arg;
  owned_remove(&job->owned);
  job->finished_ms = wall_ms();
  write_end(job);
}

/* Takes the handle out, which only one can; the text is JSON and becomes the job's. */
static struct job *take(bp_job handle, const char *status, char *result, size_t len) {
  pthread_mutex_lock(&jobs.lock);
  struct job *job = slots_remove(&jobs.handles, handle);
  if (job) {
    job->status = status;
    job->result = result;
    job->result_len = len;
  }
  pthread_mutex_unlock(&jobs.lock);
  return job;
}

static const char *status_word(bp_status status) {
  return status == BP_OK ? "done" : status == BP_E_CANCELLED ? "cancelled" : "failed";
}

bp_status job_finish(bp_job handle, bp_status status, bp_str result) {
  char *copy = malloc(result.len + 1);
  if (!copy)
    return BP_E_NO_MEMORY;
  if (result.len)
    memcpy(copy, result.ptr, result.len);
  struct job *job = take(handle, status_word(status), copy, result.len);
  if (job)
    loop_post(end, job);
  else
    free(copy);
  return job ? BP_OK : BP_E_STALE;
}

/* Its plugin goes without having ended it. Where an end is on its way already, that one counts. */
static void revoke(struct owned *self) {
  struct job *job = (struct job *)self;
  bp_str why = BP_LIT("\"its module was stopped\"");
  owned_remove(self);
  char *copy = str_dupz(why);
  if (take(job->handle, "lost", copy, why.len))
    end(job);
  else
    free(copy);
}

/* ---- Progress ---- */

static void publish(struct job *job) {
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  pthread_mutex_lock(&jobs.lock);
  job->is_dirty = false;
  pthread_mutex_unlock(&jobs.lock);
  const struct job_view view = view_of(job, text);
  job->published_ms = loop_now_ms();
  if (job_row_publish_progress(&view))
    return;
  pthread_mutex_lock(&jobs.lock);
  job->is_dirty = true;
  pthread_mutex_unlock(&jobs.lock);
}

static bool has_news(const struct job *job) {
  pthread_mutex_lock(&jobs.lock);
  bool is_dirty = job->is_dirty;
  pthread_mutex_unlock(&jobs.lock);
  return is_dirty && !job->finished_ms;
}

/* True if something is left for the next tick. */
static bool publish_due(void) {
  int64_t now_ms = loop_now_ms();
  bool is_left = false;
  for (struct job *job = jobs.first; job; job = job->next) {
    bool is_dirty = has_news(job);
    if (is_dirty && now_ms - job->published_ms >= JOB_PROGRESS_MS)
      publish(job);
    else
      is_left |= is_dirty;
  }
  return is_left;
}

static bool write_again(void) {
  bool is_left = false;
  for (struct job *job = jobs.first, *next; job; job = next) {
    next = job->next;
    if (!job->is_unwritten)
      continue;
    write_end(job);
    is_left |= job->is_unwritten;
  }
  return is_left;
}

static void on_tick(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  bool is_left = publish_due();
  if (!write_again() && !is_left)
    event_del(jobs.tick);
}

static void on_progress(void *arg) {
  (void)arg;
  pthread_mutex_lock(&jobs.lock);
  jobs.is_posted = false;
  pthread_mutex_unlock(&jobs.lock);
  if (publish_due())
    start_tick();
}

bp_status job_progress(bp_job handle, uint64_t done_units, uint64_t total_units, bp_str text) {
  bool must_post = false;
  text = cut(text);
  pthread_mutex_lock(&jobs.lock);
  struct job *job = slots_get(&jobs.handles, handle);
  if (job) {
    job->done_units = done_units;
    job->total_units = total_units;
    if (text.len)
      memcpy(job->text, text.ptr, text.len);
    job->text[text.len] = '\0';
    job->is_dirty = true;
    must_post = !jobs.is_posted;
    jobs.is_posted = true;
  }
  pthread_mutex_unlock(&jobs.lock);
  if (must_post)
    loop_post(on_progress, NULL);
  return job ? BP_OK : BP_E_STALE;
}

/* ---- Opening ---- */

static unsigned open_count(const struct plugin *owner) {
  unsigned count = 0;
  for (const struct job *job = jobs.first; job; job = job->next)
    count += job->owned.owner == owner;
  return count;
}

static void on_open_written(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  if (outcome->status != BP_OK)
    log_error("bp.job", "cannot store a job that was opened: %s", outcome->error->message);
}

static void make_id(char id[ID_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char random[(ID_BYTES - 5) / 2];
  core_table.random_bytes(random, sizeof(random));
  memcpy(id, "job_", 4);
  for (unsigned i = 0; i < sizeof(random); i++) {
    id[4 + 2 * i] = digits[random[i] >> 4];
    id[5 + 2 * i] = digits[random[i] & 15];
  }
  id[ID_BYTES - 1] = '\0';
}

static struct job *job_new(const struct plugin *owner, bp_str kind, bp_str title, bp_str principal) {
  struct job *job = mem_alloc(sizeof(*job));
  make_id(job->id);
  job->module = str_dupz(str_from(owner->id));
  job->kind = str_dupz(kind);
  job->title = str_dupz(cut(title));
  job->principal = str_dupz(cut(principal));
  job->opened_ms = wall_ms();
  job->next = jobs.first;
  if (job->next)
    job->next->previous = job;
  jobs.first = job;
  strmap_set(&jobs.by_id, str_from(job->id), job);
  return job;
}

static bp_status write_open(struct job *job) {
  char text[JOB_LIMIT_TEXT_BYTES + 1];
  bp_error err = BP_ERROR_INIT;
  const struct job_view view = view_of(job, text);
  return job_row_write(&view, on_open_written, NULL, &err);
}

bp_status job_open(struct plugin *owner, bp_str kind, bp_str title, bp_str principal, bp_job_cancel_fn cancel, void *ctx, bp_job *ret) {
  LOOP_MAIN();
  if (!jobs.tick)
    return BP_E_STATE;
  if (open_count(owner) >= JOB_LIMIT_OPEN)
    return BP_E_LIMIT;
  struct job *job = job_new(owner, kind, title, principal);
  job->cancel = cancel;
  job->ctx = ctx;
  pthread_mutex_lock(&jobs.lock);
  job->handle = slots_add(&jobs.handles, job);
  pthread_mutex_unlock(&jobs.lock);
  bp_status status = job->handle ? write_open(job) : BP_E_NO_MEMORY;
  if (status != BP_OK) {
    take(job->handle, "lost", NULL, 0);
    job_free(job);
    return status;
  }
  owned_add(owner, &job->owned, revoke);
  *ret = job->handle;
  return BP_OK;
}

bp_str job_id(bp_job handle) {
  pthread_mutex_lock(&jobs.lock);
  const struct job *job = slots_get(&jobs.handles, handle);
  pthread_mutex_unlock(&jobs.lock);
  return str_from(job ? job->id : NULL);
}

/* Not even an end of it is on its way. */
static bool is_open(const struct job *job) {
  pthread_mutex_lock(&jobs.lock);
  bool is_there = slots_get(&jobs.handles, job->handle) != NULL;
  pthread_mutex_unlock(&jobs.lock);
  return is_there;
}

bp_status job_cancel(bp_str id, bp_error *err) {
  LOOP_MAIN();
  struct job *job = strmap_get(&jobs.by_id, id);
  struct plugin *owner = job ? job->owned.owner : NULL;
  struct culprit frame;
  if (!owner || !is_open(job))
    return fail(err, BP_E_NOT_FOUND, "no job of this id is open");
  if (!job->cancel)
    return fail(err, BP_E_UNSUPPORTED, "this job cannot be cancelled");
  if (job->was_asked_to_cancel)
    return BP_OK;
  job->was_asked_to_cancel = true;
  culprit_enter(&frame, owner, "job cancel", str_from(job->kind));
  job->cancel(job->ctx, job->handle);
  culprit_leave(&frame);
  return BP_OK;
}

bool job_open_view(bp_str id, struct job_view *ret, char text[JOB_LIMIT_TEXT_BYTES + 1]) {
  const struct job *job = strmap_get(&jobs.by_id, id);
  if (job)
    *ret = view_of(job, text);
  return job != NULL;
}

/* ---- The host's side ---- */

static void on_hour(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  history_forget_old();
}

bp_status jobs_open(bp_error *err) {
  LOOP_MAIN();
  const struct timeval hour = {.tv_sec = HOUR_S};
  bp_status status = job_rows_open(err);
  if (status != BP_OK)
    return status;
  jobs.tick = event_new(loop_base(), -1, EV_PERSIST, on_tick, NULL);
  jobs.hourly = event_new(loop_base(), -1, EV_PERSIST, on_hour, NULL);
  if (!jobs.tick || !jobs.hourly || event_add(jobs.hourly, &hour) != 0)
    return fail(err, BP_E_NO_MEMORY, "cannot set up the timers of jobs");
  history_end_left_open();
  history_forget_old();
  return BP_OK;
}

void jobs_release(void) {
  while (jobs.first)
    job_free(jobs.first);
  if (jobs.tick)
    event_free(jobs.tick);
  if (jobs.hourly)
    event_free(jobs.hourly);
  jobs.tick = jobs.hourly = NULL;
  strmap_release(&jobs.by_id);
  slots_release(&jobs.handles);
  job_rows_release();
}
