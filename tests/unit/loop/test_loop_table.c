/* Unit tests of bp.loop/1 (host/loop/loop_table.c): timers, descriptors, posts and work of a plugin, and their end with it. */
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "unit.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static struct plugin *plugin;
static unsigned fired, done, cancelled;
static bp_status done_status;
static uint32_t seen_events;

static int setup(void **state) {
  (void)state;
  fired = done = cancelled = 0;
  seen_events = 0;
  if (!loop_init())
    return -1;
  plugin = plugin_add(BP_LIT("test.loop"), "/test.so");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  plugin_revoke_all(plugin);
  workers_stop();
  loop_release();
  plugin_registry_release();
  return 0;
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void turn(void) {
  struct timespec pause = {.tv_nsec = 2000000};
  loop_post(stop, NULL);
  loop_run();
  nanosleep(&pause, NULL);
}

static void turns(unsigned count) {
  while (count--)
    turn();
}

static void on_timer(void *ctx, bp_timer timer) {
  assert_ptr_equal(ctx, &fired);
  assert_true(timer != 0);
  fired++;
}

static void test_a_timer_fires_once_and_is_stale(void **state) {
  (void)state;
  bp_timer timer = 0;
  assert_int_equal(loop_table.timer(plugin->handle, 0, 0, on_timer, &fired, &timer), BP_OK);
  for (int i = 0; i < 5000 && !fired; i++)
    turn();
  turns(3);
  assert_int_equal(fired, 1);
  assert_int_equal(loop_table.timer_cancel(timer), BP_E_STALE);
}

static void on_repeat(void *ctx, bp_timer timer) {
  on_timer(ctx, timer);
  if (fired == 3)
    assert_int_equal(loop_table.timer_cancel(timer), BP_OK);
}

static void test_a_repeating_timer_may_cancel_itself(void **state) {
  (void)state;
  bp_timer timer;
  assert_int_equal(loop_table.timer(plugin->handle, 0, 1, on_repeat, &fired, &timer), BP_OK);
  for (int i = 0; i < 5000 && fired < 3; i++)
    turn();
  turns(3);
  assert_int_equal(fired, 3);
}

static void on_fd(void *ctx, bp_fd_watch watch, int32_t fd, uint32_t events) {
  (void)ctx;
  char byte;
  seen_events |= events;
  if ((events & BP_FD_READ) && read(fd, &byte, 1) == 1)
    fired++;
  if (events & BP_FD_WRITE)
    assert_int_equal(loop_table.fd_events(watch, 0), BP_OK);
}

static void test_wrong_arguments_are_refused(void **state) {
  (void)state;
  bp_timer timer = 7;
  bp_fd_watch watch = 7;
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  assert_int_equal(loop_table.timer(plugin->handle, -1, 0, on_timer, NULL, &timer), BP_E_INVALID);
  assert_int_equal(loop_table.timer(plugin->handle, 0, 0, NULL, NULL, &timer), BP_E_INVALID);
  assert_int_equal(loop_table.timer(0, 0, 0, on_timer, NULL, &timer), BP_E_STALE);
  assert_int_equal(loop_table.fd(plugin->handle, pipe_fds[0], BP_FD_READ, NULL, NULL, &watch), BP_E_INVALID);
  assert_int_equal(loop_table.fd(plugin->handle, -1, BP_FD_READ, on_fd, NULL, &watch), BP_E_INVALID);
  assert_int_equal(loop_table.fd(plugin->handle, pipe_fds[0], BP_FD_READ, on_fd, NULL, &watch), BP_E_INVALID);
  assert_int_equal(loop_table.post(plugin->handle, NULL, NULL), BP_E_INVALID);
  assert_int_equal(loop_table.work(plugin->handle, NULL, NULL, NULL), BP_E_INVALID);
  assert_true(timer == 7 && watch == 7);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

static void test_a_descriptor_is_watched_until_cancelled(void **state) {
  (void)state;
  int fds[2];
  bp_fd_watch watch, writer;
  assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  assert_int_equal(loop_table.fd(plugin->handle, fds[0], BP_FD_READ, on_fd, NULL, &watch), BP_OK);
  assert_int_equal(loop_table.fd(plugin->handle, fds[1], BP_FD_WRITE, on_fd, NULL, &writer), BP_OK);
  assert_int_equal(write(fds[1], "ab", 2), 2);
  turns(5);
  assert_int_equal(fired, 2);
  assert_int_equal(seen_events, BP_FD_READ | BP_FD_WRITE);
  assert_int_equal(loop_table.fd_events(watch, 0), BP_OK);
  assert_int_equal(write(fds[1], "c", 1), 1);
  turns(3);
  assert_int_equal(fired, 2);
  assert_int_equal(loop_table.fd_events(watch, BP_FD_READ), BP_OK);
  turns(3);
  assert_int_equal(fired, 3);
  assert_int_equal(loop_table.fd_cancel(watch), BP_OK);
  assert_int_equal(loop_table.fd_cancel(watch), BP_E_STALE);
  assert_int_equal(loop_table.fd_events(watch, BP_FD_READ), BP_E_STALE);
  assert_int_equal(loop_table.fd_cancel(writer), BP_OK);
  close(fds[0]);
  close(fds[1]);
}

static void on_post(void *ctx) {
  (void)ctx;
  fired++;
}

static void test_posts_are_bounded(void **state) {
  (void)state;
  for (int i = 0; i < 4096; i++)
    assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_OK);
  assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_E_BUSY);
  turn();
  assert_int_equal(fired, 4096);
  assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_OK);
  turn();
  assert_int_equal(fired, 4097);
}

static void on_work(void *ctx) {
  assert_ptr_equal(ctx, &done);
  assert_int_equal(loop_table.timer(plugin->handle, 0, 0, on_timer, NULL, NULL), BP_E_THREAD);
  assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_OK);
}

static void on_done(void *ctx, bp_status status) {
  assert_ptr_equal(ctx, &done);
  done_status = status;
  cancelled += status == BP_E_CANCELLED;
  done++;
}

static void test_work_runs_on_a_worker_and_may_post(void **state) {
  (void)state;
  assert_int_equal(loop_table.work(plugin->handle, on_work, on_done, &done), BP_OK);
  for (int i = 0; i < 5000 && !(done && fired); i++)
    turn();
  assert_int_equal(done, 1);
  assert_int_equal(fired, 1);
  assert_int_equal(done_status, BP_OK);
}

static void sleep_work(void *ctx) {
  struct timespec pause = {.tv_nsec = 20000000};
  (void)ctx;
  nanosleep(&pause, NULL);
}

static void test_work_is_bounded_and_its_end_told_after_a_cancel(void **state) {
  (void)state;
  unsigned taken = 0;
  while (loop_table.work(plugin->handle, sleep_work, on_done, &done) == BP_OK)
    taken++;
  assert_int_equal(taken, 256);
  plugin_revoke_all(plugin);
  workers_cancel(plugin);
  assert_int_equal(loop_table.work(plugin->handle, sleep_work, on_done, &done), BP_E_STALE);
  for (int i = 0; i < 5000 && done < taken; i++)
    turn();
  assert_int_equal(done, taken);
  assert_true(cancelled >= taken - 4);
  assert_int_equal(workers_pending(plugin), 0);
}

static void test_nothing_runs_after_revocation(void **state) {
  (void)state;
  int fds[2];
  bp_timer timer;
  bp_fd_watch watch;
  assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  assert_int_equal(write(fds[1], "a", 1), 1);
  assert_int_equal(loop_table.timer(plugin->handle, 0, 1, on_timer, &fired, &timer), BP_OK);
  assert_int_equal(loop_table.fd(plugin->handle, fds[0], BP_FD_READ, on_fd, NULL, &watch), BP_OK);
  assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_OK);
  plugin_revoke_all(plugin);
  turns(5);
  assert_int_equal(fired, 0);
  assert_int_equal(loop_table.timer_cancel(timer), BP_E_STALE);
  assert_int_equal(loop_table.fd_cancel(watch), BP_E_STALE);
  assert_int_equal(loop_table.post(plugin->handle, on_post, NULL), BP_E_STALE);
  close(fds[0]);
  close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_timer_fires_once_and_is_stale),
      TEST(test_a_repeating_timer_may_cancel_itself),
      TEST(test_wrong_arguments_are_refused),
      TEST(test_a_descriptor_is_watched_until_cancelled),
      TEST(test_posts_are_bounded),
      TEST(test_work_runs_on_a_worker_and_may_post),
      TEST(test_work_is_bounded_and_its_end_told_after_a_cancel),
      TEST(test_nothing_runs_after_revocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
