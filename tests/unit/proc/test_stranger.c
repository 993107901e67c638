/* Stopping processes the host did not start: the right one, all of it, and never another. */
#include "children.h"

#include "proc/facts.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static bool is_answered(void *arg) {
  return *(bp_status *)arg != 1;
}

static void note(void *ctx, bp_status status) {
  *(bp_status *)ctx = status;
}

static bp_status stop_and_wait(int64_t pid, int64_t started, uint32_t grace_ms) {
  bp_status answer = 1;
  assert_int_equal(proc_table.stop_stranger(plugin->handle, pid, started, grace_ms, note, &answer), BP_OK);
  assert_int_equal(answer, 1); /* never inside the call */
  assert_true(run_until(is_answered, &answer));
  return answer;
}

static int64_t started_of(pid_t pid) {
  struct proc_fact fact;
  assert_true(fact_read(pid, &fact));
  return fact.started;
}

/* A process that is no child of the host's table: /bin/sh with a script, in a group of its own or not. Reads what its
 * script prints first: a pid. */
static pid_t stranger(const char *script, bool has_group, int64_t *ret_printed) {
  int ends[2];
  char line[32] = "";
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (has_group)
      setpgid(0, 0);
    dup2(ends[1], 1);
    execl("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
  close(ends[0]);
  *ret_printed = strtoll(line, NULL, 10);
  return pid;
}

static void test_one_that_ends_on_term(void **state) {
  int64_t other;
  (void)state;
  pid_t pid = stranger("sleep 100 & echo $!; wait", false, &other);
  assert_int_equal(stop_and_wait(pid, started_of(pid), 10000), BP_OK);
  assert_false(is_alive(pid));
  assert_false(is_alive(other)); /* a descendant */
}

static void test_one_that_ignores_term_is_killed_with_its_group(void **state) {
  int64_t other;
  (void)state;
  pid_t pid = stranger("trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; while :; do sleep 1; done", true, &other);
  assert_int_equal(stop_and_wait(pid, started_of(pid), 100), BP_OK);
  assert_false(is_alive(pid));
  assert_false(is_alive(other));
}

static void test_a_group_it_does_not_lead_is_left_alone(void **state) {
  int64_t other, bystander;
  (void)state;
  pid_t beside = stranger("echo $$; exec sleep 100", false, &bystander);
  pid_t pid = stranger("echo $$; exec sleep 100", false, &other);
  assert_int_equal(getpgid(pid), getpgid(beside));
  assert_int_equal(stop_and_wait(pid, started_of(pid), 1000), BP_OK);
  assert_false(is_alive(pid));
  assert_true(is_alive(beside));
  kill(beside, SIGKILL);
}

static void test_another_start_time_is_another_process(void **state) {
  int64_t other;
  (void)state;
  pid_t pid = stranger("echo $$; exec sleep 100", true, &other);
  assert_int_equal(stop_and_wait(pid, started_of(pid) - 1, 100), BP_E_NOT_FOUND);
  assert_int_equal(stop_and_wait(pid, started_of(pid) + 1, 100), BP_E_NOT_FOUND);
  assert_true(is_alive(pid));
  int64_t started = started_of(pid);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  assert_int_equal(stop_and_wait(pid, started, 100), BP_E_NOT_FOUND);
}

static void test_the_host_and_what_is_above_it_are_refused(void **state) {
  (void)state;
  assert_int_equal(stop_and_wait(getpid(), started_of(getpid()), 100), BP_E_DENIED);
  assert_int_equal(stop_and_wait(getppid(), started_of(getppid()), 100), BP_E_DENIED);
  assert_int_equal(stop_and_wait(1, started_of(1), 100), BP_E_DENIED);
  bp_status answer = 1;
  assert_int_equal(proc_table.stop_stranger(plugin->handle, 0, 1, 100, note, &answer), BP_E_INVALID);
  assert_int_equal(proc_table.stop_stranger(plugin->handle, -1, 1, 100, note, &answer), BP_E_INVALID);
  assert_int_equal(proc_table.stop_stranger(plugin->handle, INT64_MAX, 1, 100, note, &answer), BP_E_INVALID);
}

/* Only root can make a process of another user to try it on. */
static void test_another_users_process_is_refused(void **state) {
  (void)state;
  if (geteuid() != 0)
    skip();
  int ends[2];
  char byte;
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0)
      _exit(1);
    dup2(ends[1], 1);
    execl("/bin/sh", "sh", "-c", "echo; exec sleep 100", (char *)NULL);
    _exit(127);
  }
  assert_int_equal(read(ends[0], &byte, 1), 1);
  assert_int_equal(stop_and_wait(pid, started_of(pid), 100), BP_E_DENIED);
  assert_true(is_alive(pid));
  kill(pid, SIGKILL);
  close(ends[0]);
  close(ends[1]);
}

static void test_stopping_twice_answers_both(void **state) {
  int64_t other;
  bp_status first = 1, second = 1;
  (void)state;
  pid_t pid = stranger("trap '' TERM; echo $$; while :; do sleep 1; done", false, &other);
  int64_t started = started_of(pid);
  assert_int_equal(proc_table.stop_stranger(plugin->handle, pid, started, 100, note, &first), BP_OK);
  assert_int_equal(proc_table.stop_stranger(plugin->handle, pid, started, 100, note, &second), BP_OK);
  assert_true(run_until(is_answered, &first));
  assert_true(run_until(is_answered, &second));
  assert_int_equal(first, BP_OK);
  assert_int_equal(second, BP_OK);
}

static void test_a_drained_plugin_is_told_at_once(void **state) {
  int64_t other;
  bp_status answer = 1;
  (void)state;
  pid_t pid = stranger("echo $$; exec sleep 100", false, &other);
  assert_int_equal(proc_table.stop_stranger(plugin->handle, pid, started_of(pid), 100, note, &answer), BP_OK);
  plugin_revoke_all(plugin);
  assert_int_equal(answer, BP_E_CANCELLED);
  while (is_alive(pid)) {
    int ticks = 2;
    run_until(ticks_passed, &ticks);
  }
  assert_int_equal(answer, BP_E_CANCELLED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_one_that_ends_on_term, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_one_that_ignores_term_is_killed_with_its_group, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_group_it_does_not_lead_is_left_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_another_start_time_is_another_process, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_the_host_and_what_is_above_it_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_another_users_process_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_stopping_twice_answers_both, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_drained_plugin_is_told_at_once, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
