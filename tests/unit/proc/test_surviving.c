/* Children across hosts: this program runs itself as a host, kills it, and takes over. */
#include "children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define TALKER "echo old line; trap 'echo bye; exit 0' TERM; while :; do echo beat; sleep 0.05; done"

static bp_proc_spec talker(void) {
  bp_proc_spec spec = shell(TALKER);
  spec.lifetime = BP_PROC_SURVIVING;
  spec.name = BP_LIT("talker");
  return spec;
}

/* ---- The other host ---- */

static bool never(void *arg) {
  (void)arg;
  return false;
}

static int run_as_host(const char *folder) {
  static struct seen surviving, bound, left;
  snprintf(state_folder, sizeof(state_folder), "%s", folder);
  if (open_host() != 0)
    return 1;
  bp_proc_spec spec = talker();
  spawn(&spec, &surviving);
  spec = shell("setsid sleep 100 & echo $!; sleep 100");
  spawn(&spec, &bound);
  run_until(has_output, &bound);
  run_until(has_output, &surviving);
  printf("%lld %lld %lld\n", (long long)surviving.pid, (long long)bound.pid, strtoll(bound.output.data, NULL, 10));
  fflush(stdout);
  run_until(never, &left);
  return 0;
}

struct other {
  pid_t pid;
  long long surviving, bound, grandchild;
};

static struct other start_other(void) {
  struct other other = {0};
  int ends[2];
  char line[200] = "";
  assert_int_equal(pipe(ends), 0);
  other.pid = fork();
  if (other.pid == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "test_surviving", "host", state_folder, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  FILE *file = fdopen(ends[0], "r");
  assert_non_null(fgets(line, sizeof(line), file));
  fclose(file);
  assert_int_equal(sscanf(line, "%lld %lld %lld", &other.surviving, &other.bound, &other.grandchild), 3);
  return other;
}

static void kill_other(const struct other *other) {
  kill(other->pid, SIGKILL);
  waitpid(other->pid, NULL, 0);
}

/* ---- Tests ---- */

static int make_folder(void **state) {
  (void)state;
  snprintf(state_folder, sizeof(state_folder), "/tmp/backplane-proc-XXXXXX");
  if (!mkdtemp(state_folder))
    return -1;
  char path[128];
  const char *const parts[] = {"modules", "modules/zoo"};
  for (size_t i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "%s/%s", state_folder, parts[i]);
    mkdir(path, 0700);
  }
  return 0;
}

static bool is_dead(void *arg) {
  return !is_alive(*(long long *)arg);
}

static bool has_bye(void *arg) {
  struct seen *seen = arg;
  return seen->exits && memmem(seen->output.data, seen->output.len, "bye|", 4);
}

static void expect_record(bool is_there) {
  char path[128];
  snprintf(path, sizeof(path), "%s/modules/zoo/proc/talker.json", state_folder);
  assert_int_equal(access(path, F_OK) == 0, is_there);
}

static void test_after_kill_9_bound_ones_are_gone_and_surviving_ones_adopted(void **state) {
  struct seen seen = {0};
  bp_error err = BP_ERROR_INIT;
  bp_str text = {0};
  (void)state;
  struct other other = start_other();
  kill_other(&other);
  assert_int_equal(open_host(), 0);
  assert_true(run_until(is_dead, &other.bound));
  assert_true(run_until(is_dead, &other.grandchild)); /* it has left its parent's session: the sweep finds it by its mark */
  assert_true(is_alive(other.surviving));
  bp_proc_spec spec = talker();
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_EXISTS);
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("unknown"), &watch_all, &seen, &seen.proc), BP_E_NOT_FOUND);
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("talker"), &watch_all, &seen, &seen.proc), BP_OK);
  assert_int_equal(proc_table.pid(seen.proc), other.surviving);
  assert_int_equal(proc_table.tail(seen.proc, 1000, &text), BP_OK);
  assert_true(str_starts(text, BP_LIT("old line\n")));
  assert_true(run_until(has_output, &seen));
  assert_int_equal(seen.starts, 1);
  expect_record(true);
  proc_table.stop(seen.proc);
  assert_true(run_until(has_bye, &seen));
  assert_int_equal(seen.exit.is_unknown, 1);
  assert_int_equal(seen.exit.why, BP_PROC_STOPPED);
  expect_record(false);
  forget(&seen);
}

static void test_a_record_of_another_process_is_not_believed(void **state) {
  struct seen seen = {0};
  char path[128], line[600];
  (void)state;
  struct other other = start_other();
  kill_other(&other);
  snprintf(path, sizeof(path), "%s/modules/zoo/proc/talker.json", state_folder);
  FILE *file = fopen(path, "r+");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof(line), file));
  char *started = strstr(line, "\"started\":");
  assert_non_null(started);
  started[10] = started[10] == '9' ? '8' : (char)(started[10] + 1); /* the pid was taken over since */
  rewind(file);
  fputs(line, file);
  fclose(file);
  pid_t stranger = fork();
  if (stranger == 0) {
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
    _exit(127);
  }
  assert_int_equal(open_host(), 0);
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("talker"), &watch_all, &seen, &seen.proc), BP_E_NOT_FOUND);
  expect_record(false);
  assert_true(run_until(is_dead, &other.surviving)); /* what carries our mark and has no record is ended */
  assert_true(is_alive(stranger));
  kill(stranger, SIGKILL);
}

static void test_a_drain_leaves_surviving_ones_for_the_next_generation(void **state) {
  struct seen seen = {0}, again = {0};
  (void)state;
  assert_int_equal(open_host(), 0);
  bp_proc_spec spec = talker();
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  int64_t pid = seen.pid;
  plugin_revoke_all(plugin);
  assert_int_equal(proc_pending(plugin), 0);
  plugin_retire(plugin);
  plugin = plugin_add(BP_LIT("zoo"), "/zoo.so");
  plugin->phase = PLUGIN_STARTED;
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("talker"), &watch_all, &again, &again.proc), BP_OK);
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("talker"), &watch_all, &again, &again.proc), BP_E_EXISTS);
  assert_true(run_until(has_output, &again));
  assert_int_equal(again.pid, pid);
  proc_table.stop(again.proc);
  assert_true(run_until(has_bye, &again));
  assert_int_equal(again.exit.is_unknown, 0); /* it is still our own child */
  assert_int_equal(again.exit.code, 0);
  forget(&seen);
  forget(&again);
}

static void test_a_graceful_stop_leaves_surviving_ones(void **state) {
  struct seen seen = {0};
  (void)state;
  assert_int_equal(open_host(), 0);
  bp_proc_spec spec = talker();
  spawn(&spec, &seen);
  assert_true(run_until(has_output, &seen));
  int64_t pid = seen.pid;
  close_host();
  assert_true(is_alive(pid));
  forget(&seen);
  assert_int_equal(open_host(), 0);
  assert_int_equal(proc_table.adopt(plugin->handle, BP_LIT("talker"), &watch_all, &seen, &seen.proc), BP_OK);
  proc_table.stop(seen.proc);
  assert_true(run_until(has_exited, &seen));
  assert_false(is_alive(pid));
  forget(&seen);
}

static bool has_told_of_gap;

static void on_flood(void *ctx, bp_proc proc, uint32_t stream, bp_str line) {
  static const char gap[] = " bytes of output left out: it came faster than it could be read]";
  has_told_of_gap |= line.len > sizeof(gap) && memcmp(line.ptr + line.len - sizeof(gap) + 1, gap, sizeof(gap) - 1) == 0;
  on_output(ctx, proc, stream, line);
}

/* 33 MB in lines of 11 bytes, nearly all written before anything is read. */
static void test_of_a_flood_the_latest_is_read_and_the_rest_said_to_be_left_out(void **state) {
  struct seen seen = {0};
  (void)state;
  assert_int_equal(open_host(), 0);
  bp_proc_spec spec = shell("yes 0123456789 | head -c 33000000");
  spec.lifetime = BP_PROC_SURVIVING;
  spec.name = BP_LIT("flood");
  bp_proc_events watch = watch_all;
  bp_error err = BP_ERROR_INIT;
  watch.output = on_flood;
  assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch, &seen, &seen.proc, &err), BP_OK);
  assert_true(run_until(has_started, &seen));
  for (int tries = 0; is_alive(seen.pid) && tries < 3000; tries++)
    usleep(10000);
  assert_true(run_until(has_exited, &seen));
  assert_true(has_told_of_gap);
  assert_in_range(seen.lines, (1u << 20) / 11 - 2, 400000);
  forget(&seen);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "host") == 0)
    return run_as_host(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_after_kill_9_bound_ones_are_gone_and_surviving_ones_adopted, make_folder, tear_down),
      cmocka_unit_test_setup_teardown(test_a_record_of_another_process_is_not_believed, make_folder, tear_down),
      cmocka_unit_test_setup_teardown(test_a_drain_leaves_surviving_ones_for_the_next_generation, make_folder, tear_down),
      cmocka_unit_test_setup_teardown(test_a_graceful_stop_leaves_surviving_ones, make_folder, tear_down),
      cmocka_unit_test_setup_teardown(test_of_a_flood_the_latest_is_read_and_the_rest_said_to_be_left_out, make_folder, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
