/* What is acknowledged stays: kill -9 at random, full disk, a locked file, unclean stops. */
#include "store_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROUNDS 5
#define IN_FLIGHT 16

/* ---- kill -9 ---- */

static int ack_fd;
static uint32_t next_item;

static void add_item(void);

/* Tells the parent the item's number and sequence once its `done` has run. */
static void on_item(void *ctx, const bp_db_outcome *o) {
  uint64_t ack[2] = {(uint64_t)(uintptr_t)ctx, o->sequence};
  if (o->status != BP_OK || write(ack_fd, ack, sizeof(ack)) != sizeof(ack))
    _exit(1);
  add_item();
}

static void add_item(void) {
  char name[32];
  uint32_t number = next_item++;
  snprintf(name, sizeof(name), "i%ld-%u", (long)getpid(), number);
  bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("b"), INT((int64_t)number)};
  bp_db_step steps[] = {EXEC(ADD, .params = BP_ARRAY(params)), PUBLISH("box.item", .key = str_from(name), .payload = BP_STR("{\"a\":1}"))};
  bp_array array = BP_ARRAY(steps);
  if (DB->write(box->handle, array, on_item, (void *)(uintptr_t)number) != BP_OK)
    _exit(2);
}

static void write_for_ever(int fd) {
  bp_error err = BP_ERROR_INIT;
  ack_fd = fd;
  if (!loop_init() || !live_init() || fixture_open(&err) != BP_OK)
    _exit(3);
  fixture_add_box();
  store_ready();
  for (int i = 0; i < IN_FLIGHT; i++)
    add_item();
  loop_run();
  _exit(4);
}

static bool exists(sqlite3 *db, const char *sql, const char *name, int64_t number) {
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
  sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 2, number);
  bool is_there = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) == 1;
  sqlite3_finalize(stmt);
  return is_there;
}

static uint32_t check_acknowledged(int fd, pid_t child) {
  uint64_t ack[2];
  uint32_t count = 0;
  char name[32];
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  for (; read(fd, ack, sizeof(ack)) == sizeof(ack); count++) {
    snprintf(name, sizeof(name), "i%ld-%u", (long)child, (unsigned)ack[0]);
    if (!exists(db, "SELECT count(*) FROM box_items WHERE name = ?1 AND size = ?2", name, (int64_t)ack[0]))
      fail_msg("row of acknowledged item %s is gone", name);
    if (!exists(db, "SELECT count(*) FROM live_log WHERE key = ?1 AND seq = ?2", name, (int64_t)ack[1]))
      fail_msg("event of acknowledged item %s is gone", name);
  }
  assert_true(exists(db, "SELECT quick_check = 'ok' FROM pragma_quick_check WHERE ?1 IS NOT ?2", "", 1));
  assert_true(exists(db, "SELECT (SELECT count(*) FROM box_items) = (SELECT count(*) FROM live_log) WHERE ?1 IS NOT ?2", "", 1));
  sqlite3_close(db);
  return count;
}

static void test_nothing_acknowledged_is_lost_by_kill(void **state) {
  (void)state;
  uint32_t acknowledged = 0;
  unsigned seed = (unsigned)getpid();
  for (int round = 0; round < ROUNDS; round++) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      close(fds[0]);
      write_for_ever(fds[1]);
    }
    close(fds[1]);
    struct pollfd first_ack = {.fd = fds[0], .events = POLLIN};
    assert_int_equal(poll(&first_ack, 1, 30000), 1); /* it writes by now, however slow the machine is */
    usleep((useconds_t)(rand_r(&seed) % 120000));
    kill(child, SIGKILL);
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    acknowledged += check_acknowledged(fds[0], child);
    close(fds[0]);
  }
  assert_true(acknowledged > 0);
  /* The next start finds an unclean stop, checks the file beside its work, and writes on. */
  bp_error err = BP_ERROR_INIT;
  assert_true(loop_init() && live_init());
  assert_int_equal(fixture_open(&err), BP_OK);
  fixture_add_box();
  store_ready();
  struct seen s = WRITE(EXEC(ADD, PARAMS(TEXT("after"), TEXT("b"), INT(1))), PUBLISH("box.item", .payload = BP_STR("{}")));
  assert_int_equal(s.status, BP_OK);
  fixture_remove_box();
  store_close();
  live_release();
  plugin_registry_release();
  loop_release();
}

static int folder_setup(void **state) {
  (void)state;
  log_configure(LOG_HUMAN, BP_LOG_ERROR, 2);
  snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/bp-store-XXXXXX");
  if (!mkdtemp(fixture_folder))
    return -1;
  snprintf(fixture_path, sizeof(fixture_path), "%s/state.db", fixture_folder);
  return 0;
}

static int folder_teardown(void **state) {
  (void)state;
  fixture_empty(fixture_folder);
  return 0;
}

/* ---- A full disk ---- */

#define ITEM(literal) PARAMS(TEXT(literal), TEXT("body"), INT(1))

static struct seen write_large(const char *name) {
  static char body[512 * 1024];
  memset(body, 'x', sizeof(body));
  bp_db_value params[] = {
      {.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)},
      {.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = bp_str_make(body, sizeof(body))},
      INT(1),
  };
  bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
  return fixture_write(&step, 1);
}

/* The file size limit of the process stands in for the disk's end: writing past it fails inside SQLite. */
static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_no_space_means_read_only_until_there_is(void **state) {
  (void)state;
  signal(SIGXFSZ, SIG_IGN);
  log_configure(LOG_HUMAN, 0, 2);
  WRITE(EXEC(ADD, ITEM("before")));
  limit_files(64 * 1024); /* too little for the writer's probe, too: it stays read-only however slow the machine is */
  assert_int_equal(write_large("large").status, BP_E_FULL);
  assert_true(store_is_readonly());
  assert_int_equal(WRITE(EXEC(ADD, ITEM("refused"))).status, BP_E_FULL);
  assert_string_equal(READ_ALL(COUNT).rows, "1;");
  limit_files(RLIM_INFINITY);
  for (int i = 0; store_is_readonly() && i < 3000; i++)
    usleep(10000);
  assert_false(store_is_readonly());
  assert_int_equal(write_large("large").status, BP_OK);
  assert_string_equal(READ_ALL(COUNT).rows, "2;");
}

/* ---- Another process holds the file ---- */

static void test_a_locked_file_gives_busy_in_bounded_time(void **state) {
  (void)state;
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(WRITE(EXEC(ADD, ITEM("a"))).status, BP_E_BUSY);
  assert_false(store_is_readonly());
  assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(WRITE(EXEC(ADD, ITEM("a"))).status, BP_OK);
}

/* ---- Bounds ---- */

static void test_the_queue_is_bounded(void **state) {
  (void)state;
  static struct seen ignored;
  bp_db_value params[] = {TEXT("same"), TEXT("b"), INT(1)};
  bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
  bp_array array = {&step, 1, sizeof(step)};
  memset(&ignored, 0, sizeof(ignored));
  uint32_t accepted = 0;
  while (accepted < 9000 && DB->write(box->handle, array, fixture_done, &ignored) == BP_OK)
    accepted++;
  assert_int_equal(accepted, 8192);
  assert_int_equal(DB->write(box->handle, array, fixture_done, &ignored), BP_E_BUSY);
  fixture_wait(&ignored.calls, accepted);
  assert_int_equal(ignored.calls, accepted);
  assert_string_equal(READ_ALL(COUNT).rows, "1;");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_nothing_acknowledged_is_lost_by_kill, folder_setup, folder_teardown),
      STORE_TEST(test_no_space_means_read_only_until_there_is),
      STORE_TEST(test_a_locked_file_gives_busy_in_bounded_time),
      STORE_TEST(test_the_queue_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
