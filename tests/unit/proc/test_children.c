/* Children that behave: output, input, exit, limits, terminals, environment. */
#include "children.h"
#include "proc/environment.h"

#include <errno.h>
#include <signal.h>

static void test_output_comes_in_lines_then_the_exit(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("printf 'one\\ntwo\\r\\nthree'; exit 7");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_str_eq(buf_str(&seen.output), "one|two|three|");
  assert_int_equal(seen.starts, 1);
  assert_int_equal(seen.exit.code, 7);
  assert_int_equal(seen.exit.signal, 0);
  assert_int_equal(seen.exit.why, BP_PROC_ENDED);
  assert_int_equal(proc_table.stop(seen.proc), BP_E_STALE);
  forget(&seen);
}

struct listed {
  unsigned count;
  int64_t pid, started_ticks;
};

static void note_listed(void *ctx, const bp_proc_entry *entry) {
  struct listed *listed = ctx;
  listed->count++;
  listed->pid = entry->pid;
  listed->started_ticks = entry->started_ticks;
  assert_int_equal(entry->lifetime, BP_PROC_BOUND);
}

static void test_children_are_listed(void **state) {
  struct seen seen = {0};
  struct listed listed = {0};
  (void)state;
  bp_proc_spec spec = shell("sleep 100");
  spawn(&spec, &seen);
  assert_int_equal(proc_table.each(0, note_listed, &listed), BP_OK);
  assert_int_equal(listed.count, 1);
  assert_int_equal(listed.pid, proc_table.pid(seen.proc));
  assert_true(listed.started_ticks > 0);
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  listed.count = 0;
  proc_table.each(0, note_listed, &listed);
  assert_int_equal(listed.count, 0);
  assert_int_equal(proc_table.each(0, NULL, NULL), BP_E_INVALID);
  forget(&seen);
}

static void test_a_killed_child_tells_its_signal(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("kill -9 $$");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.code, -1);
  assert_int_equal(seen.exit.signal, SIGKILL);
  forget(&seen);
}

static void test_input_goes_through_and_ends(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_str argv[] = {BP_LIT("cat")};
  bp_proc_spec spec = spec_of(argv, 1);
  spec.flags = BP_PROC_STDIN;
  spawn(&spec, &seen);
  assert_int_equal(proc_table.write(seen.proc, BP_LIT("hello\nworld\n")), BP_OK);
  assert_int_equal(proc_table.close_stdin(seen.proc), BP_OK);
  assert_int_equal(proc_table.write(seen.proc, BP_LIT("late")), BP_E_STATE);
  assert_true(run_until(has_exited, &seen));
  assert_str_eq(buf_str(&seen.output), "hello|world|");
  assert_int_equal(seen.drained, 1);
  assert_int_equal(seen.exit.code, 0);
  forget(&seen);
}

static void test_a_child_that_never_reads_costs_a_bounded_queue(void **state) {
  struct seen seen = {0};
  static char piece[256 * 1024];
  unsigned taken = 0;
  (void)state;
  bp_proc_spec spec = shell("sleep 100");
  spec.flags = BP_PROC_STDIN;
  spawn(&spec, &seen);
  while (taken < 100 && proc_table.write(seen.proc, bp_str_make(piece, sizeof(piece))) == BP_OK)
    taken++;
  assert_int_equal(taken, 4);
  assert_int_equal(proc_table.write(seen.proc, bp_str_make(piece, 1)), BP_E_BUSY);
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  forget(&seen);
}

static void test_without_stdin_there_is_dev_null(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("readlink /proc/self/fd/0; ls /proc/self/fd | wc -l");
  spawn(&spec, &seen);
  assert_int_equal(proc_table.write(seen.proc, BP_LIT("x")), BP_E_STATE);
  assert_true(run_until(has_exited, &seen));
  assert_str_eq(buf_str(&seen.output), "/dev/null|4|"); /* 0, 1, 2, and the folder ls itself reads */
  forget(&seen);
}

static void test_what_cannot_start_says_so(void **state) {
  struct seen seen = {0};
  bp_error err = BP_ERROR_INIT;
  (void)state;
  bp_str unknown[] = {BP_LIT("no-such-program-here")};
  bp_proc_spec spec = spec_of(unknown, 1);
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_NOT_FOUND);
  assert_non_null(strstr(err.message, "no-such-program-here"));
  bp_str missing[] = {BP_LIT("/nowhere/program")};
  spec = spec_of(missing, 1);
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_NOT_FOUND);
  bp_str folder[] = {BP_LIT("/tmp")};
  spec = spec_of(folder, 1);
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_IO);
  spec = shell("true");
  spec.cwd = BP_LIT("/nowhere");
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_INVALID);
  assert_non_null(strstr(err.message, "/nowhere"));
  assert_int_equal(seen.starts + seen.exits, 0);
  assert_true(nothing_is_left(NULL));
}

static void test_a_long_line_is_cut_and_the_next_is_whole(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("head -c 200000 /dev/zero | tr '\\0' x; echo; echo after");
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.lines, 2);
  assert_int_equal(seen.output.len, 65536 + 1); /* the first line alone fills what the test keeps */
  forget(&seen);
}

static void test_output_limit_stops(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("yes");
  spec.output_limit_bytes = 100000;
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.why, BP_PROC_OUTPUT_LIMIT);
  forget(&seen);
}

static void test_time_out_stops(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("sleep 100");
  spec.timeout_ms = 50;
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.why, BP_PROC_TIMED_OUT);
  forget(&seen);
}

static bool has_two_starts(void *arg) {
  return ((struct seen *)arg)->starts >= 2;
}

static void test_a_failing_child_is_restarted_until_the_breaker(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("exit 3");
  spec.restart = BP_RESTART_ON_FAILURE;
  spawn(&spec, &seen);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.will_restart, 1);
  assert_true(seen.exit.restart_in_ms > 0);
  assert_int_equal(proc_table.pid(seen.proc), 0);
  assert_true(run_until(has_two_starts, &seen));
  proc_table.stop(seen.proc);
  while (seen.exit.will_restart) {
    seen.exits = 0;
    assert_true(run_until(has_exited, &seen));
  }
  assert_int_equal(proc_table.stop(seen.proc), BP_E_STALE);
  forget(&seen);
}

static bool has_many_lines(void *arg) {
  return ((struct seen *)arg)->lines >= 1000;
}

static void test_a_paused_child_waits(void **state) {
  struct seen seen = {0};
  int ticks = 20;
  (void)state;
  bp_proc_spec spec = shell("yes");
  spawn(&spec, &seen);
  assert_true(run_until(has_many_lines, &seen));
  proc_table.pause_output(seen.proc, 1);
  unsigned long before = seen.lines;
  run_until(ticks_passed, &ticks);
  assert_int_equal(seen.lines, before);
  proc_table.pause_output(seen.proc, 0);
  seen.lines = 0;
  assert_true(run_until(has_many_lines, &seen));
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  forget(&seen);
}

static void test_the_tail_is_kept(void **state) {
  struct seen seen = {0};
  bp_str text = {0};
  (void)state;
  bp_proc_spec spec = shell("for i in 1 2 3 4 5; do echo line $i; done; sleep 100");
  spawn(&spec, &seen);
  while (seen.lines < 5)
    assert_true(run_until(has_output, &seen));
  assert_int_equal(proc_table.tail(seen.proc, 2, &text), BP_OK);
  assert_str_eq(text, "line 4\nline 5\n");
  assert_int_equal(proc_table.tail(seen.proc, 100, &text), BP_OK);
  assert_true(str_starts(text, BP_LIT("line 1\n")));
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  forget(&seen);
}

/* ---- Live events ---- */

static struct buf events_text;
static unsigned event_count;

static void on_event(void *ctx, const bp_live_event *event) {
  (void)ctx;
  event_count++;
  assert_str_eq(event->key, "the key");
  buf_append_str(&events_text, event->payload);
}

static bool has_last_line(void *arg) {
  (void)arg;
  return events_text.data && memmem(events_text.data, events_text.len, "20000\"}", 7) != NULL;
}

static bool last_line_is_in_the_file(void *arg) {
  static char text[1 << 19];
  char path[128];
  (void)arg;
  snprintf(path, sizeof(path), "%s/log/topics/zoo.log.log", state_folder);
  FILE *file = fopen(path, "r");
  size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
  if (file)
    fclose(file);
  text[len] = '\0';
  return strstr(text, "\"key\":\"the key\",\"stream\":\"stdout\",\"line\":\"a\xEF\xBF\xBD") && strstr(text, "\\n20000\"}\n");
}

static void test_lines_become_few_live_events(void **state) {
  static const bp_topic topics[] = {{sizeof(bp_topic), BP_TOPIC_EPHEMERAL, BP_STR("zoo.log"), BP_STR("lines")}};
  static const bp_str names[] = {BP_STR("zoo.log")};
  struct seen seen = {0};
  bp_error err = BP_ERROR_INIT;
  bp_subscription subscription;
  (void)state;
  bp_proc_spec spec = shell("printf 'a\\377b\\n'; seq 20000");
  spec.log_topic = BP_LIT("zoo.log");
  spec.log_key = BP_LIT("the key");
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_DENIED); /* not declared */
  assert_int_equal(live_add(plugin, &(bp_array)BP_ARRAY(topics), &err), BP_OK);
  const bp_array wanted_topics = BP_ARRAY(names);
  assert_int_equal(live_table.subscribe(plugin->handle, wanted_topics, bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, on_event, NULL, &subscription), BP_OK);
  spawn(&spec, &seen);
  assert_true(run_until(has_last_line, NULL));
  assert_true(str_starts(buf_str(&events_text), BP_LIT("{\"stream\":\"stdout\",\"line\":\"a\xEF\xBF\xBD"
                                                       "b")));
  assert_true(event_count < 100);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.lines, 20001);
  assert_true(run_until(last_line_is_in_the_file, NULL));
  buf_release(&events_text);
  live_remove(plugin);
  forget(&seen);
}

/* ---- Terminals ---- */

static bool has_answer(void *arg) {
  struct seen *seen = arg;
  return seen->output.data && memmem(seen->output.data, seen->output.len, "got hello", 9) != NULL;
}

static void test_a_terminal_goes_round(void **state) {
  struct seen seen = {0};
  (void)state;
  bp_proc_spec spec = shell("test -t 0 && test -t 1 && stty size; read line; stty size; echo got $line; cat");
  spec.flags = BP_PROC_PTY;
  spec.rows = 30;
  spec.columns = 100;
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  assert_true(str_starts(buf_str(&seen.output), BP_LIT("30 100|")));
  assert_int_equal(proc_table.resize(seen.proc, 40, 120), BP_OK);
  assert_int_equal(proc_table.write(seen.proc, BP_LIT("hello\n")), BP_OK);
  assert_true(run_until(has_answer, &seen));
  assert_non_null(memmem(seen.output.data, seen.output.len, "40 120", 6));
  assert_int_equal(proc_table.close_stdin(seen.proc), BP_OK);
  assert_true(run_until(has_exited, &seen));
  assert_int_equal(seen.exit.code, 0);
  forget(&seen);
}

/* ---- Environment ---- */

static bp_status try_variable(bp_str name, bp_str value, bp_error *err) {
  struct seen seen = {0};
  bp_proc_env env = {.size = sizeof(env), .name = name, .value = value};
  bp_proc_spec spec = shell("env | sort; exit 0");
  spec.env = (bp_array){&env, 1, sizeof(env)};
  bp_status status = proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, err);
  if (status == BP_OK) {
    assert_true(run_until(has_exited, &seen));
    assert_non_null(memmem(seen.output.data, seen.output.len, "PATH=/usr/local/bin:/usr/bin:/bin|", 34));
    assert_non_null(memmem(seen.output.data, seen.output.len, name.ptr, name.len));
    assert_null(memmem(seen.output.data, seen.output.len, "SECRET_OF_THE_HOST", 18));
  }
  forget(&seen);
  return status;
}

static void test_a_plugins_own_variables_may_steer_git(void **state) {
  (void)state;
  bp_proc_env env[] = {
      {.size = sizeof(bp_proc_env), .name = BP_STR("GIT_DIR"), .value = BP_STR("/srv/r/.git"), .is_own = 1},
      {.size = sizeof(bp_proc_env), .name = BP_STR("HOME"), .value = BP_STR("/srv/home"), .is_own = 1},
  };
  bp_proc_env loader = {.size = sizeof(loader), .name = BP_STR("LD_PRELOAD"), .value = BP_STR("x"), .is_own = 1};
  bp_error err = BP_ERROR_INIT;
  char **texts = environment_build((bp_array)BP_ARRAY(env), false, &err);
  assert_non_null(texts);
  unsigned homes = 0, dirs = 0;
  for (char **at = texts + 1; *at; at++) {
    homes += strncmp(*at, "HOME=", 5) == 0;
    dirs += strcmp(*at, "GIT_DIR=/srv/r/.git") == 0;
    assert_true(strncmp(*at, "HOME=", 5) != 0 || strcmp(*at, "HOME=/srv/home") == 0);
  }
  assert_int_equal(homes, 1);
  assert_int_equal(dirs, 1);
  free(texts);
  assert_null(environment_build((bp_array){&loader, 1, sizeof(loader)}, false, &err));
  assert_int_equal(err.code, BP_E_DENIED);
}

static void test_the_environment_is_built_from_nothing(void **state) {
  static const char *const refused[] = {"LD_PRELOAD",
                                        "LD_LIBRARY_PATH",
                                        "DYLD_X",
                                        "GIT_SSH_COMMAND",
                                        "SSH_AUTH_SOCK",
                                        "NODE_OPTIONS",
                                        "NODE_PATH",
                                        "PYTHONPATH",
                                        "PERL5LIB",
                                        "RUBYOPT",
                                        "BASH_ENV",
                                        "ENV",
                                        "IFS",
                                        "PATH",
                                        "HOME",
                                        "PROMPT_COMMAND",
                                        "MY_PRELOAD",
                                        "JAVA_TOOL_OPTIONS",
                                        "npm_config_prefix",
                                        "BACKPLANE_CHILD"};
  bp_error err = BP_ERROR_INIT;
  (void)state;
  setenv("SECRET_OF_THE_HOST", "canary", 1);
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
    assert_int_equal(try_variable(str_from(refused[i]), BP_LIT("x"), &err), BP_E_DENIED);
    assert_non_null(strstr(err.message, refused[i]));
  }
  assert_int_equal(try_variable(BP_LIT("lower"), BP_LIT("x"), &err), BP_E_INVALID);
  assert_int_equal(try_variable(BP_LIT(""), BP_LIT("x"), &err), BP_E_INVALID);
  assert_int_equal(try_variable(BP_LIT("A=B"), BP_LIT("x"), &err), BP_E_INVALID);
  assert_int_equal(try_variable(BP_LIT("A"), bp_str_make("b\0c", 3), &err), BP_E_INVALID);
  assert_int_equal(try_variable(BP_LIT("API_KEY_2"), BP_LIT("value"), &err), BP_OK);
  assert_int_equal(try_variable(BP_LIT("TZ"), BP_LIT("UTC"), &err), BP_OK);
  unsetenv("SECRET_OF_THE_HOST");
}

/* ---- Limits ---- */

static void test_a_hundred_starts_a_second(void **state) {
  static struct seen seen[130];
  bp_error err = BP_ERROR_INIT;
  unsigned started = 0;
  (void)state;
  for (unsigned i = 0; i < 130; i++) {
    bp_proc_spec spec = shell("exit 0");
    bp_status status = proc_table.spawn(plugin->handle, &spec, &watch_all, &seen[i], &seen[i].proc, &err);
    assert_true(status == BP_OK || status == BP_E_LIMIT);
    started += status == BP_OK;
  }
  assert_in_range(started, 1, 100); /* all in one tick, which is one moment of the loop's clock */
  for (unsigned i = 0; i < started; i++)
    assert_true(run_until(has_exited, &seen[i]));
  assert_true(run_until(nothing_is_left, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_output_comes_in_lines_then_the_exit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_killed_child_tells_its_signal, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_input_goes_through_and_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_child_that_never_reads_costs_a_bounded_queue, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_without_stdin_there_is_dev_null, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_what_cannot_start_says_so, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_long_line_is_cut_and_the_next_is_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_output_limit_stops, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_time_out_stops, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_failing_child_is_restarted_until_the_breaker, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_paused_child_waits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_the_tail_is_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_lines_become_few_live_events, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_terminal_goes_round, set_up, tear_down),
      cmocka_unit_test(test_a_plugins_own_variables_may_steer_git),
      cmocka_unit_test_setup_teardown(test_the_environment_is_built_from_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_hundred_starts_a_second, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_children_are_listed, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
