/* Every plugin of the zoo against the real host: refused with the right words, or survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off: cmocka.h needs the four above */
#include <cmocka.h>
/* clang-format on */

#include "host_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE(id) "module \"" id "\"\n"
#define MODULE_AT(id, file) "module \"" id "\" { path = \"" PLUGIN_FOLDER "/" file ".so\" }\n"
#define GOOD MODULE("good")

static struct host_process host;

static void begin(const char *modules) {
  host_begin(&host, modules);
  if (!host_log_has(&host, "is ready", 20))
    fail_msg("the host did not become ready:\n%s", host_log(&host));
}

static void expect_log(const char *text) {
  if (!host_log_has(&host, text, 5))
    fail_msg("the log lacks \"%s\":\n%s", text, host_log(&host));
}

static void expect_no_log(const char *text) {
  if (strstr(host_log(&host), text))
    fail_msg("the log has \"%s\":\n%s", text, host_log(&host));
}

static void expect_get(const char *path, int status) {
  const char *body;
  int got = host_get(&host, path, &body);
  if (got != status)
    fail_msg("GET %s answered %d, not %d: %s\n%s", path, got, status, body, host_log(&host));
}

/* The host and its good plugin are well, and it ends in order. */
static void end_well(void) {
  expect_get("/health", 200);
  expect_get("/good", 200);
  const char *log = host_log(&host);
  int status = host_end(&host);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    fail_msg("the host ended with status 0x%x:\n%s", (unsigned)status, log);
}

static int clean_up(void **state) {
  (void)state;
  if (host.pid)
    host_end(&host);
  return 0;
}

/* ---- Refused at load ---- */

struct refusal {
  const char *modules;
  const char *expected[4]; /* all of these are in the log */
};

static const struct refusal refusals[] = {
    {MODULE("no-symbol"), {"exports no symbol \"bp_plugin_query_1\""}},
    {MODULE("old-major"), {"built for plugin ABI 0, this host has 1", "rebuild the plugin"}},
    {MODULE("new-major"), {"built for plugin ABI 2, this host has 1", "update the host"}},
    {MODULE("other-major"), {"written against plugin ABI 3.0, this host has 1.0", "update the host"}},
    {MODULE("no-descriptor"), {"bp_plugin_query_1 returned no descriptor"}},
    {MODULE("size-zero"), {"size is 0", "set .size = sizeof(bp_plugin_descriptor)"}},
    {MODULE("size-short"), {"it ends before member \"create\""}},
    {MODULE("bad-id"), {"id \"Bad_Id\" is not words of"}},
    {MODULE("reserved-id"), {"id \"bp.mine\" is reserved"}},
    {MODULE("other-id"), {"says its id is \"someone-else\""}},
    {MODULE("bad-version"), {"version \"1.0\" is not a semantic version"}},
    {MODULE("no-create"), {"create is NULL"}},
    {MODULE("text-wild"), {"summary has length 12 but no bytes"}},
    {MODULE("stride-short"), {"routes: stride 16 is not a multiple of 8 from"}},
    {MODULE("element-short"), {"routes[0]: size is 8, must be from"}},
    {MODULE("newer-flag"), {"routes[0] \"get_x\": flags 0x8000 is unknown to this host", "plugin ABI 1.7, this host has 1.0", "update the host"}},
    {MODULE("create-fails") MODULE("needs-failed"),
     {"create: the moon is not full", "\"needs-failed\" is not running: it needs module \"create-fails\", which failed"}},
    {MODULE("start-fails"), {"\"start-fails\" is not running: start: it gave no reason", "start-fails was destroyed"}},
    {MODULE("needs-missing"),
     {"it needs interface \"bp.teleport/1\", this host (0.1.0) offers none of that name", "\"bp.log/9\", this host (0.1.0) offers \"bp.log/1\"",
      "it needs service \"zoo.unicorn/2\", which no enabled module provides"}},
    {MODULE("need-too-large"), {"interface \"bp.http/1\" of 9999 bytes, this host (0.1.0) offers"}},
    {MODULE("circle-a") MODULE("circle-b") MODULE("circle-c"),
     {"in a circle: \"circle-a\" needs \"circle-b\" needs \"circle-c\" needs \"circle-a\"", "make one of these needs optional"}},
    {MODULE("route-twice-a") MODULE("route-twice-b"), {"\"route-twice-b\" is not running: routes:", "\"GET /twice/{name}\"", "\"route-twice-a\""}},
    {MODULE("family-twice-a") MODULE("family-twice-b"), {"\"family-twice-b\" is not running: families:", "family-twice-a"}},
    {MODULE("service-twice-a") MODULE("service-twice-b"), {"it provides service \"zoo.twice/1\", and so does module \"service-twice-a\""}},
    {MODULE("unknown-family"), {"its routes belong to family \"atlantis\", which no enabled module declares"}},
    {MODULE("no-facts"), {"\"no-facts\" is not running: routes:", "facts"}},
    {MODULE("unknown-keyword"), {"\"unknown-keyword\" is not running: routes:", "maxProperties"}},
    {"module \"bad-option\" { interval = 3 }\n", {"interval_ms"}},
    {MODULE("foreign-topic"), {"topics[0] \"good.news\": name must be \"foreign-topic.\" and a word"}},
    {MODULE("bad-migration"), {"\"bad-migration\" is not running: store:", "TABEL"}},
    {MODULE("foreign-table"), {"\"foreign-table\" is not running: store:", "good_things"}},
    {MODULE("foreign-key"),
     {"\"foreign-key\" is not running: store:", "table \"foreign_key_notes\" refers to \"good_things\", which is not its own"}},
    {MODULE("search-column"), {"table \"search_column_notes\" has no column \"txt\""}},
    {MODULE("param-twice"), {"route \"GET /x\": parameter \"q\" is declared twice"}},
    {MODULE("param-default"), {"parameter \"limit\" has a default that does not fit its type or bounds"}},
    {MODULE("param-flag"), {"routes[0] \"get_x\": a parameter's flags 0x80 is unknown to this host"}},
    {MODULE("param-header"), {"routes[0] \"get_x\": parameter \"x key", "is no header's name"}},
    {MODULE("path-dots"), {"path \"/a/../b\": segment \"..\" is in no client's request"}},
    {MODULE("tool-stream"), {"a stream, upload or websocket route cannot be a tool"}},
    {MODULE("family-main"), {"families[0] \"main\": the name is the host's"}},
    {MODULE("family-header"), {"json_content_type and challenge must be printable ASCII"}},
    {MODULE("option-twice"), {"options[1] \"size\": the name stands in options[0] already"}},
    {MODULE("option-default"), {"declares a default for \"size\" that does not fit its type or bounds"}},
    {MODULE("option-path"), {"options[0] \"path\": the name is the configuration's own"}},
    {MODULE("needs-misspelt"), {"it needs interface \"bp.lgo/1\"", "did you mean \"bp.log/1\"?"}},
    {MODULE("migration-gap"), {"migrations[0]: version is 2, must be 1"}},
    {MODULE("undefined"), {"cannot open", "undefined symbol: log_line"}},
    {MODULE("not-there"), {"not-there.so\": No such file or directory"}},
};

static void test_refused(void **state) {
  const struct refusal *refusal = *state;
  char modules[2048];
  snprintf(modules, sizeof(modules), "%s%s", refusal->modules, GOOD);
  begin(modules);
  for (unsigned i = 0; i < 4 && refusal->expected[i]; i++)
    expect_log(refusal->expected[i]);
  expect_no_log("timer of a plugin that did not start");
  end_well();
}

/* ---- Refused as files ---- */

static void copy_file(const char *from, const char *to, mode_t mode) {
  char bytes[16 * 1024];
  ssize_t len;
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(in >= 0 && out >= 0);
  while ((len = read(in, bytes, sizeof(bytes))) > 0)
    assert_int_equal(write(out, bytes, (size_t)len), len);
  fchmod(out, mode);
  close(in);
  close(out);
}

/* Runs the host with module "good-file" at `path`, a file made beside it. */
static void check_file(const char *path, const char *expected) {
  char modules[512];
  snprintf(modules, sizeof(modules), "module \"replies\" { path = \"%s\" }\n" GOOD, path);
  begin(modules);
  expect_log(expected);
  end_well();
}

static void test_file_modes(void **state) {
  char folder[] = "/tmp/backplane-files-XXXXXX", path[128];
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof(path), "%s/file.so", folder);
  copy_file(PLUGIN_FOLDER "/replies.so", path, 0666);
  check_file(path, "can be written by other users (mode 0666)");
  chmod(path, 0644);
  chmod(folder, 0777);
  check_file(path, "can be written by other users (mode 0777)");
  chmod(folder, 0700);
  check_file(path, "module \"replies\" 1.0.0 started");
  unlink(path);
  assert_int_equal(symlink(PLUGIN_FOLDER "/replies.so", path), 0);
  check_file(path, "it is a symbolic link");
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  check_file(path, "is not a regular file");
  unlink(path);
  copy_file("/etc/passwd", path, 0600);
  check_file(path, "cannot open");
  unlink(path);
  rmdir(folder);
}

/* ---- Survived ---- */

static void test_wrong_replies(void **state) {
  (void)state;
  begin(GOOD MODULE("replies"));
  expect_get("/drop", 500);
  expect_log("drop_it");
  expect_get("/never", 504);
  expect_get("/twice", 200);
  expect_log("the second reply was refused as stale");
  expect_get("/stale", 200);
  expect_log("the stale request was refused");
  expect_get("/wild", 200);
  expect_log("the wild handles were refused");
  expect_get("/unclosed", 500);
  expect_log("the unclosed JSON was refused");
  end_well();
}

static void test_slow_callback(void **state) {
  const char *body;
  (void)state;
  begin(GOOD MODULE("replies"));
  expect_get("/slow", 200);
  expect_log("reply_slowly\" held the main thread for");
  assert_int_equal(host_get(&host, "/metrics", &body), 200);
  assert_non_null(strstr(body, "backplane_plugin_slow_callbacks_total{plugin=\"replies\"} 1\n"));
  assert_non_null(strstr(body, "backplane_plugin_slow_callbacks_total{plugin=\"good\"} 0\n"));
  end_well();
}

static void test_greedy(void **state) {
  (void)state;
  begin(GOOD MODULE("greedy"));
  expect_log("the undeclared table was refused");
  expect_log("the flood of events was refused");
  expect_log("the event in another's name was refused");
  expect_log("the worker's timer was refused");
  expect_log("plugin \"greedy\" called \"timer\" on a thread that is not main");
  end_well();
}

static void test_null_arguments(void **state) {
  const char *body;
  (void)state;
  begin(GOOD MODULE("null-arguments"));
  expect_log("the units without an address were refused");
  expect_log("the topics without an address were refused");
  expect_log("the arguments without an address were refused");
  expect_get("/from-thread", 200);
  expect_log("the thread's calls were refused");
  expect_get("/no-problem", 200);
  expect_log("the problem without an address was refused");
  assert_int_equal(host_get(&host, "/no-text", &body), 418);
  assert_non_null(strstr(body, "{\"error\":\"")); /* the family's shape all the same */
  end_well();
}

static void test_registers_late(void **state) {
  (void)state;
  begin(GOOD MODULE("registers-late"));
  host_reconfigure(&host, GOOD);
  expect_log("the late registrations were refused");
  end_well();
}

static void test_thread_left(void **state) {
  (void)state;
  begin(GOOD MODULE("thread-left"));
  host_reconfigure(&host, GOOD);
  expect_log("plugin \"thread-left\" left a thread running");
  end_well(); /* the thread still runs the plugin's code: unmapping it would have crashed here */
}

static void test_endless_drains(void **state) {
  (void)state;
  begin(GOOD MODULE("drain-endless") MODULE("work-endless"));
  host_reconfigure(&host, GOOD);
  expect_get("/good", 200);
  if (!host_log_has(&host, "plugin \"drain-endless\" did not finish its drain in time", 15))
    fail_msg("no deadline:\n%s", host_log(&host));
  expect_log("drain-endless was destroyed");
  if (!host_log_has(&host, "plugin \"work-endless\" still had 1 calls pending", 15))
    fail_msg("no deadline:\n%s", host_log(&host));
  end_well();
}

/* One signal waits for the drain's deadline, a second one for nothing. Both end in order. */
static void test_stops_with_an_endless_drain(void **state) {
  (void)state;
  begin(GOOD MODULE("drain-endless") MODULE("work-endless"));
  int status = host_end(&host);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  begin(GOOD MODULE("drain-endless"));
  kill(host.pid, SIGTERM);
  expect_log("host: stopping");
  kill(host.pid, SIGTERM);
  expect_log("stopping at once");
  status = host_end(&host);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_reload_starts_again(void **state) {
  (void)state;
  begin(GOOD);
  expect_get("/twice", 404);
  host_reconfigure(&host, GOOD MODULE("replies"));
  expect_log("module \"replies\" 1.0.0 started");
  expect_get("/twice", 200);
  host_reconfigure(&host, GOOD "module \"replies\" { nonsense = true }\n");
  expect_log("module \"replies\" keeps its old options");
  expect_get("/twice", 200);
  host_reconfigure(&host, GOOD "this is not Lua (");
  expect_log("the old one stays in force");
  expect_get("/twice", 200);
  host_reconfigure(&host, GOOD);
  for (int i = 0; i < 250 && host_get(&host, "/twice", NULL) != 404; i++)
    usleep(20000);
  expect_get("/twice", 404);
  end_well();
}

static void test_authors_of_other_times(void **state) {
  (void)state;
  begin(GOOD MODULE("older-author") MODULE("newer-author"));
  expect_log("the older author was heard");
  expect_get("/newer/a", 200);
  expect_get("/newer/b", 200);
  end_well();
}

/* ---- Crashes: the last line names the culprit ---- */

struct crash {
  const char *path;
  int signal;
  const char *line;
};
static const struct crash crashes[] = {
    {"/fault", SIGSEGV, "backplane: crashed with SIGSEGV in plugin \"crash\", callback \"route crash_now\"\n"},
    {"/abort", SIGABRT, "backplane: crashed with SIGABRT in plugin \"crash\", callback \"route abort_now\"\n"},
    {"/stack", SIGSEGV, "backplane: crashed with SIGSEGV in plugin \"crash\", callback \"route exhaust_stack\"\n"},
    {"/work", SIGSEGV, "backplane: crashed with SIGSEGV in plugin \"crash\", callback \"work\"\n"},
};

static void test_crash(void **state) {
  const struct crash *crash = *state;
  begin(GOOD MODULE("crash"));
  assert_int_equal(host_get(&host, crash->path, NULL), 0);
  int status = host_wait(&host);
#ifndef __SANITIZE_ADDRESS__ /* which ends the process itself after its report */
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), crash->signal);
#endif
  (void)status;
  expect_log(crash->line);
  host_start(&host); /* nothing of the crash stands in the way of the next start */
  for (int i = 0; i < 500 && host_get(&host, "/good", NULL) != 200; i++)
    usleep(20000);
  end_well();
}

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))
#define CRASHES (sizeof(crashes) / sizeof(crashes[0]))

int main(void) {
  const struct CMUnitTest survivals[] = {
      cmocka_unit_test_teardown(test_file_modes, clean_up),
      cmocka_unit_test_teardown(test_wrong_replies, clean_up),
      cmocka_unit_test_teardown(test_slow_callback, clean_up),
      cmocka_unit_test_teardown(test_greedy, clean_up),
      cmocka_unit_test_teardown(test_null_arguments, clean_up),
      cmocka_unit_test_teardown(test_registers_late, clean_up),
      cmocka_unit_test_teardown(test_thread_left, clean_up),
      cmocka_unit_test_teardown(test_endless_drains, clean_up),
      cmocka_unit_test_teardown(test_reload_starts_again, clean_up),
      cmocka_unit_test_teardown(test_stops_with_an_endless_drain, clean_up),
      cmocka_unit_test_teardown(test_authors_of_other_times, clean_up),
  };
  struct CMUnitTest tests[REFUSALS + CRASHES];
  for (unsigned i = 0; i < REFUSALS; i++)
    tests[i] = (struct CMUnitTest){refusals[i].modules, test_refused, NULL, clean_up, (void *)(uintptr_t)&refusals[i]};
  for (unsigned i = 0; i < CRASHES; i++)
    tests[REFUSALS + i] = (struct CMUnitTest){crashes[i].path, test_crash, NULL, clean_up, (void *)(uintptr_t)&crashes[i]};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return failed + cmocka_run_group_tests(survivals, NULL, NULL);
}
