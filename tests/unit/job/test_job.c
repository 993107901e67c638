/* host/job: jobs that are stored, told of, cancelled, and never left open. */
#include "store/store_fixture.h"

#include "job/job.h"
#include "job/view.h"

#include <pthread.h>

struct listed {
  uint32_t calls;
  bp_status status;
  int64_t next;
  json_t *jobs;
};

static unsigned cancels;
static bp_job cancelled;

static void keep_list(void *ctx, bp_status status, json_t *jobs, int64_t next, const bp_error *err) {
  struct listed *l = ctx;
  (void)err;
  l->calls++;
  l->status = status;
  l->next = next;
  l->jobs = json_incref(jobs);
}

static struct listed list(struct job_filter filter) {
  struct listed l = {0};
  filter.limit = filter.limit ? filter.limit : 100;
  assert_int_equal(job_list(&filter, keep_list, &l, NULL), BP_OK);
  fixture_wait(&l.calls, 1);
  return l;
}

static void on_cancel(void *ctx, bp_job job) {
  (void)ctx;
  cancels++;
  cancelled = job;
}

static bp_job open_job(bp_job_cancel_fn cancel) {
  bp_job job = 0;
  assert_int_equal(job_table.open(box->handle, BP_LIT("box.count"), BP_LIT("Count"), BP_LIT("uid:1"), cancel, NULL, &job), BP_OK);
  return job;
}

/* Until this many rows are stored. */
static void wait_rows(size_t count) {
  for (size_t stored = 0; stored < count;) {
    struct listed l = list((struct job_filter){0});
    stored = json_array_size(l.jobs);
    json_decref(l.jobs);
  }
}

/* The member of the newest job, as JSON text. */
static const char *newest(const char *name) {
  static char text[256];
  struct listed l = list((struct job_filter){0});
  json_t *value = json_object_get(json_array_get(l.jobs, 0), name);
  char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  snprintf(text, sizeof(text), "%s", dumped ? dumped : "absent");
  free(dumped);
  json_decref(l.jobs);
  return text;
}

/* Until the newest job has this status. */
static void wait_status(const char *quoted) {
  while (strcmp(newest("status"), quoted) != 0)
    usleep(1000);
}

static int set_up(void **state) {
  cancels = 0;
  return fixture_setup_with(state, jobs_open);
}

static int tear_down(void **state) {
  plugin_revoke_all(box);
  fixture_remove_box();
  store_close();
  jobs_release();
  return fixture_folder_remove(state);
}

static void test_from_opening_to_a_result(void **state) {
  (void)state;
  bp_job job = open_job(NULL);
  char id[40];
  bp_str borrowed = job_table.id(job);
  snprintf(id, sizeof(id), "\"%.*s\"", (int)borrowed.len, borrowed.ptr);
  wait_rows(1);
  assert_string_equal(newest("id"), id);
  assert_string_equal(newest("status"), "\"running\"");
  assert_string_equal(newest("module"), "\"box\"");
  assert_int_equal(job_table.progress(job, 3, 10, BP_LIT("three")), BP_OK);
  assert_string_equal(newest("progress"), "{\"done\":3,\"total\":10,\"text\":\"three\"}");
  assert_string_equal(newest("finished_at"), "null");
  assert_int_equal(job_table.finish(job, BP_OK, BP_LIT("{\"n\":10}")), BP_OK);
  assert_int_equal(job_table.finish(job, BP_OK, BP_LIT("{}")), BP_E_STALE);
  assert_int_equal(job_table.progress(job, 4, 10, BP_LIT("")), BP_E_STALE);
  assert_int_equal(job_table.id(job).len, 0);
  wait_status("\"done\"");
  assert_string_equal(newest("result"), "{\"n\":10}");
  assert_string_equal(newest("error"), "null");
}

static void *finish_on_a_thread(void *arg) {
  bp_job job = *(bp_job *)arg;
  assert_int_equal(job_table.progress(job, 1, 0, BP_LIT("x")), BP_OK);
  assert_int_equal(job_table.finish(job, BP_E_IO, BP_LIT("\"disk\"")), BP_OK);
  return NULL;
}

static void test_a_failure_from_a_thread(void **state) {
  (void)state;
  pthread_t thread;
  bp_job job = open_job(NULL);
  assert_int_equal(pthread_create(&thread, NULL, finish_on_a_thread, &job), 0);
  pthread_join(thread, NULL);
  wait_status("\"failed\"");
  assert_string_equal(newest("error"), "\"disk\"");
  assert_string_equal(newest("result"), "null");
  assert_string_equal(newest("progress"), "{\"done\":1,\"total\":null,\"text\":\"x\"}");
}

static void test_cancelling_asks_once(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  bp_job job = open_job(on_cancel);
  char id[40];
  snprintf(id, sizeof(id), "%.*s", (int)job_table.id(job).len, job_table.id(job).ptr);
  assert_int_equal(job_cancel(BP_LIT("job_none"), &err), BP_E_NOT_FOUND);
  assert_int_equal(job_cancel(str_from(id), &err), BP_OK);
  assert_int_equal(job_cancel(str_from(id), &err), BP_OK);
  assert_int_equal(cancels, 1);
  assert_true(cancelled == job);
  job_table.finish(job, BP_E_CANCELLED, BP_LIT(""));
  assert_int_equal(job_cancel(str_from(id), &err), BP_E_NOT_FOUND);
  wait_status("\"cancelled\"");
  bp_job other = open_job(NULL);
  assert_int_equal(job_cancel(job_table.id(other), &err), BP_E_UNSUPPORTED);
}

static unsigned progress_events, job_events;

static void count_event(void *ctx, const bp_live_event *event) {
  (void)ctx;
  if (str_eq(event->topic, BP_LIT("bp.job.progress")))
    progress_events++;
  else
    job_events++;
}

static void test_events_are_coalesced(void **state) {
  (void)state;
  static const bp_str names[] = {BP_STR("bp.job"), BP_STR("bp.job.*")};
  bp_subscription subscription;
  progress_events = job_events = 0;
  const bp_array topics = BP_ARRAY(names);
  assert_int_equal(live_table.subscribe(box->handle, topics, BP_LIT(""), BP_LIVE_FROM_NOW, count_event, NULL, &subscription), BP_OK);
  bp_job job = open_job(NULL);
  for (unsigned i = 0; i < 10000; i++)
    job_table.progress(job, i, 10000, BP_LIT(""));
  fixture_wait(&progress_events, 1);
  for (unsigned i = 0; i < 10000; i++)
    job_table.progress(job, i, 10000, BP_LIT(""));
  fixture_wait(&progress_events, 2);
  job_table.finish(job, BP_OK, BP_LIT(""));
  fixture_wait(&job_events, 2);
  assert_int_equal(progress_events, 2);
  live_table.unsubscribe(subscription);
}

/* A reading that began before the end was stored may bring the row from before: until it is over, memory has to know better. */
static void test_an_end_beside_a_reading(void **state) {
  (void)state;
  static const bp_str names[] = {BP_STR("bp.job")};
  bp_subscription subscription;
  const bp_array topics = BP_ARRAY(names);
  job_events = 0;
  assert_int_equal(live_table.subscribe(box->handle, topics, BP_LIT(""), BP_LIVE_FROM_NOW, count_event, NULL, &subscription), BP_OK);
  struct job_reading reading;
  struct job_view view;
  char id[40], text[JOB_LIMIT_TEXT_BYTES + 1];
  bp_job job = open_job(NULL);
  snprintf(id, sizeof(id), "%.*s", (int)job_table.id(job).len, job_table.id(job).ptr);
  job_reading_begin(&reading);
  assert_int_equal(job_table.finish(job, BP_E_IO, BP_LIT("\"disk\"")), BP_OK);
  fixture_wait(&job_events, 2);
  open_job(NULL); /* what is written later is told of later */
  fixture_wait(&job_events, 3);
  assert_true(job_open_view(str_from(id), &view, text));
  assert_true(str_eq(view.status, BP_LIT("failed")));
  job_reading_end(&reading);
  assert_false(job_open_view(str_from(id), &view, text));
  live_table.unsubscribe(subscription);
}

static void test_left_by_its_plugin(void **state) {
  (void)state;
  open_job(NULL);
  plugin_revoke_all(box);
  wait_status("\"lost\"");
  assert_string_equal(newest("error"), "\"its module was stopped\"");
}

static void test_left_by_a_dead_host(void **state) {
  (void)state;
  char copy[128];
  bp_error err = BP_ERROR_INIT;
  open_job(NULL);
  wait_rows(1);
  assert_string_equal(newest("status"), "\"running\"");
  snprintf(copy, sizeof(copy), "%s/copy.db", fixture_folder);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  char sql[200];
  snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  plugin_revoke_all(box);
  fixture_remove_box();
  store_close();
  jobs_release();
  char wal[128];
  snprintf(wal, sizeof(wal), "%s-wal", fixture_path);
  unlink(wal);
  assert_int_equal(rename(copy, fixture_path), 0);
  assert_int_equal(fixture_open(&err), BP_OK);
  assert_int_equal(jobs_open(&err), BP_OK);
  fixture_add_box();
  store_ready();
  wait_status("\"lost\"");
  assert_string_equal(newest("error"), "\"the host was stopped\"");
}

static void test_pages_and_filters(void **state) {
  (void)state;
  for (unsigned i = 0; i < 5; i++)
    open_job(NULL);
  wait_rows(5);
  struct listed first = list((struct job_filter){.limit = 3}), second = list((struct job_filter){.limit = 3, .before = first.next});
  assert_int_equal(json_array_size(first.jobs), 3);
  assert_int_equal(json_array_size(second.jobs), 2);
  assert_int_equal(second.next, 0);
  struct listed none = list((struct job_filter){.kind = BP_LIT("box.other")}), some = list((struct job_filter){.module = BP_LIT("box")});
  assert_int_equal(json_array_size(none.jobs), 0);
  assert_int_equal(json_array_size(some.jobs), 5);
  json_decref(first.jobs);
  json_decref(second.jobs);
  json_decref(none.jobs);
  json_decref(some.jobs);
}

static void test_what_is_wrong_is_refused(void **state) {
  (void)state;
  bp_job job;
  bp_str word = BP_LIT("box.count"), text = BP_LIT("t");
  assert_int_equal(job_table.open(box->handle, BP_LIT("not a word"), text, text, NULL, NULL, &job), BP_E_INVALID);
  assert_int_equal(job_table.open(0, word, text, text, NULL, NULL, &job), BP_E_STALE);
  job = open_job(NULL);
  assert_int_equal(job_table.finish(job, BP_OK, BP_LIT("{")), BP_E_INVALID);
  assert_int_equal(job_table.finish(job, BP_OK, BP_LIT("")), BP_OK);
  for (unsigned i = 1; i < JOB_LIMIT_OPEN; i++)
    open_job(NULL);
  loop_post(fixture_stop, NULL);
  loop_run();
  open_job(NULL);
  assert_int_equal(job_table.open(box->handle, word, text, text, NULL, NULL, &job), BP_E_LIMIT);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_from_opening_to_a_result), CASE(test_a_failure_from_a_thread), CASE(test_cancelling_asks_once),
      CASE(test_events_are_coalesced),     CASE(test_an_end_beside_a_reading), CASE(test_left_by_its_plugin),
      CASE(test_left_by_a_dead_host),      CASE(test_pages_and_filters),       CASE(test_what_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
