/* Children that misbehave: nothing of them is left after they end, no zombie stays, a flood stalls nobody. */
#include "children.h"

#include <signal.h>
#include <sys/resource.h>

/* Starts the script, waits for its first line, stops it, and counts what is left. */
static void stopped_leaves_nothing(const char *script) {
  struct seen seen = {0};
  bp_proc_spec spec = shell(script);
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  assert_true(count_left().marked >= 1);
  assert_int_equal(proc_table.stop(seen.proc), BP_OK);
  assert_int_equal(proc_table.stop(seen.proc), BP_OK);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exits, 1);
  assert_int_equal(seen.exit.why, BP_PROC_STOPPED);
  assert_int_equal(count_left().marked, 0);
  assert_true(run_until(nothing_is_left, NULL));
  forget(&seen);
}

static void test_forked_children_go_with_it(void **state) {
  (void)state;
  stopped_leaves_nothing("sleep 100 & sleep 100 & sleep 100 & echo ready; wait");
}

static void test_a_new_session_does_not_help(void **state) {
  (void)state;
  stopped_leaves_nothing("setsid sleep 100 & echo ready; wait");
}

static void test_a_double_fork_does_not_help(void **state) {
  (void)state;
  stopped_leaves_nothing("(setsid sh -c 'setsid sleep 100 & setsid sleep 100 & exit 0' &) ; sleep 0.2; echo ready; sleep 100");
}

static void test_ignoring_term_does_not_help(void **state) {
  (void)state;
  stopped_leaves_nothing(
      "trap '' TERM; (trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done') & echo ready; while :; do sleep 1; done");
}

/* Without a mark, a session or a group of its parent's: found because it becomes a child of the host. */
static void test_a_bare_environment_does_not_help(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("env -i sh -c 'sleep 100 & echo $!; exec sleep 100'; wait");
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  int64_t hidden = strtoll(seen.output.data, NULL, 10);
  assert_true(is_alive(hidden));
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  assert_false(is_alive(hidden));
  assert_true(run_until(nothing_is_left, NULL));
  forget(&seen);
}

static bool is_dead(void *arg) {
  return !is_alive(*(int64_t *)arg);
}

static void test_even_a_bare_session_of_its_own_ends_with_the_last_child(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("env -i setsid sh -c 'echo $$; exec sleep 100' & sleep 0.2; exit 0");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  int64_t hidden = strtoll(seen.output.data, NULL, 10);
  assert_true(hidden > 0);
  assert_true(run_until(is_dead, &hidden));
  forget(&seen);
}

static void test_what_it_leaves_behind_ends_with_it(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo ready; exit 4");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.code, 4);
  assert_int_equal(count_left().marked, 0);
  assert_true(run_until(nothing_is_left, NULL));
  forget(&seen);
}

static void test_a_suspended_child_is_stopped(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("trap 'exit 9' TERM; echo ready; kill -STOP $$; sleep 100");
  spec.grace_ms = 20000;
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.signal == SIGTERM || seen.exit.code == 9, 1);
  forget(&seen);
}

static void test_closed_output_is_not_the_end(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("exec >&- 2>&-; sleep 0.1; exit 5");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.code, 5);
  forget(&seen);
}

#define STORM 300
static bool all_have_exited(void *arg) {
  const struct seen *seen = arg;
  for (unsigned i = 0; i < STORM; i++)
    if (seen[i].proc && !seen[i].exits)
      return false;
  return true;
}

static void test_a_storm_leaves_no_zombies(void **state) {
  static struct seen seen[STORM];
  bp_error err = BP_ERROR_INIT;
  int ticks;
  (void)state;
  for (unsigned i = 0; i < STORM;) {
    bp_proc_spec spec = shell(i % 10 ? "exit 0" : "(setsid sh -c 'sleep 100 & sleep 100' &); exit 0");
    bp_status status = proc_table.spawn(plugin->handle, &spec, &watch_all, &seen[i], &seen[i].proc, &err);
    if (status == BP_OK) {
      i++;
      continue;
    }
    assert_int_equal(status, BP_E_LIMIT);
    ticks = 20;
    run_until(ticks_passed, &ticks);
  }
  assert_true(run_until(all_have_exited, seen));
  assert_true(run_until(nothing_is_left, NULL));
}

static unsigned ticks_seen;
static void tick(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  ticks_seen++;
}

static long peak_kib(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static void test_a_million_lines_cost_bounded_memory(void **state) {
  struct seen seen = {0};
  bp_str text = {0};
  const struct timeval period = {.tv_usec = 1000};
  (void)state;
  struct event *ticker = event_new(loop_base(), -1, EV_PERSIST, tick, NULL);
  event_add(ticker, &period);
  long before = peak_kib();
  bp_proc_spec spec = shell("seq 1000000; sleep 100");
  spawn(&spec, &seen);
  while (seen.lines < 1000000)
    assert_true(run_until(has_output, &seen));
  assert_int_equal(proc_table.tail(seen.proc, 1, &text), BP_OK);
  assert_str_eq(text, "1000000\n");
  assert_true(ticks_seen > 10); /* the loop served others meanwhile */
#ifdef __SANITIZE_THREAD__
  (void)before; /* it keeps books of its own on all that is touched */
#else
  assert_true(peak_kib() - before < 8 * 1024);
#endif
  event_free(ticker);
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  forget(&seen);
}

static void test_a_draining_plugin_takes_its_children_along(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("trap '' TERM; setsid sleep 100 & echo ready; while :; do sleep 1; done");
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  plugin_revoke_all(plugin);
  assert_int_equal(proc_pending(plugin), 1);
  assert_int_equal(proc_table.stop(seen.proc), BP_E_STALE);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(proc_pending(plugin), 0);
  assert_true(run_until(nothing_is_left, NULL));
  assert_int_equal(seen.exits, 1); /* the last thing it is told */
  forget(&seen);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_forked_children_go_with_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_new_session_does_not_help, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_double_fork_does_not_help, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_ignoring_term_does_not_help, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_bare_environment_does_not_help, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_even_a_bare_session_of_its_own_ends_with_the_last_child, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_what_it_leaves_behind_ends_with_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_suspended_child_is_stopped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_closed_output_is_not_the_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_storm_leaves_no_zombies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_million_lines_cost_bounded_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_draining_plugin_takes_its_children_along, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
