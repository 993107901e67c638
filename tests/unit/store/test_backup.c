/* Backups of the running store, restoring them, the lock of the state folder, retention of the live log. */
#include "store/lockfile.h"
#include "store_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ITEM(literal) PARAMS(TEXT(literal), TEXT("body"), INT(1))

static struct {
  uint32_t calls;
  bp_status status;
  char message[256];
} copied;

static void on_copied(void *ctx, bp_status status, const bp_error *err) {
  (void)ctx;
  copied.status = status;
  snprintf(copied.message, sizeof(copied.message), "%s", err->message);
  copied.calls++;
}

static bp_status back_up(const char *path) {
  copied.calls = 0;
  store_backup(path, on_copied, NULL);
  fixture_wait(&copied.calls, 1);
  return copied.status;
}

static void stop(void) {
  fixture_remove_box();
  store_close();
}

static void start(void) {
  bp_error err = BP_ERROR_INIT;
  if (fixture_open(&err) != BP_OK)
    fail_msg("%s", err.message);
  fixture_add_box();
  store_ready();
}

static void test_a_backup_comes_back(void **state) {
  (void)state;
  char path[128];
  bp_error err = BP_ERROR_INIT;
  struct stat st;
  snprintf(path, sizeof(path), "%s/copy.db", fixture_folder);
  WRITE(EXEC(ADD, ITEM("kept")));
  assert_int_equal(back_up(path), BP_OK);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  WRITE(EXEC(ADD, ITEM("later")));
  stop();
  assert_int_equal(store_restore(fixture_folder, path, &err), BP_OK);
  start();
  assert_string_equal(READ(ALL, PARAMS(INT(0))).rows, "1|kept;");
  assert_int_equal(WRITE(EXEC(ADD, ITEM("new"))).status, BP_OK);
}

static void test_what_is_replaced_is_kept(void **state) {
  (void)state;
  char path[128], folder[128], kept[512] = "";
  bp_error err = BP_ERROR_INIT;
  snprintf(path, sizeof(path), "%s/copy.db", fixture_folder);
  assert_int_equal(back_up(path), BP_OK);
  WRITE(EXEC(ADD, ITEM("later")));
  stop();
  assert_int_equal(store_restore(fixture_folder, path, &err), BP_OK);
  snprintf(folder, sizeof(folder), "%s/backups", fixture_folder);
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));)
    if (strncmp(entry->d_name, "replaced-", 9) == 0)
      snprintf(kept, sizeof(kept), "%s/%s", folder, entry->d_name);
  closedir(dir);
  assert_int_equal(store_restore(fixture_folder, kept, &err), BP_OK);
  start();
  assert_string_equal(READ(ALL, PARAMS(INT(0))).rows, "1|later;");
}

static void test_a_backup_replaces_nothing(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof(path), "%s/copy.db", fixture_folder);
  assert_int_equal(back_up(path), BP_OK);
  assert_int_equal(back_up(path), BP_E_EXISTS);
  assert_int_equal(back_up("/nonexistent/copy.db"), BP_E_IO);
  assert_non_null(strstr(copied.message, "/nonexistent/copy.db"));
}

static void test_bad_sources_are_refused(void **state) {
  (void)state;
  char path[128];
  bp_error err = BP_ERROR_INIT;
  WRITE(EXEC(ADD, ITEM("kept")));
  stop();
  snprintf(path, sizeof(path), "%s/garbage.db", fixture_folder);
  FILE *file = fopen(path, "w");
  for (int i = 0; i < 1000; i++)
    fputs("this is no database\n", file);
  fclose(file);
  assert_int_not_equal(store_restore(fixture_folder, path, &err), BP_OK);
  assert_int_not_equal(store_restore(fixture_folder, "/nonexistent", &err), BP_OK);
  snprintf(path, sizeof(path), "%s/stranger.db", fixture_folder);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "CREATE TABLE stranger (x)", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(store_restore(fixture_folder, path, &err), BP_E_INVALID);
  start();
  assert_string_equal(READ(ALL, PARAMS(INT(0))).rows, "1|kept;");
}

static void test_a_running_host_is_not_restored(void **state) {
  (void)state;
  int gate[2];
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(pipe(gate), 0);
  pid_t child = fork();
  if (child == 0) {
    char byte = lockfile_take(fixture_folder, NULL) >= 0 ? 1 : 0;
    if (write(gate[1], &byte, 1) != 1)
      _exit(1);
    pause();
  }
  char byte = 0;
  assert_int_equal(read(gate[0], &byte, 1), 1);
  assert_int_equal(byte, 1);
  char pid[32];
  snprintf(pid, sizeof(pid), "process %ld", (long)child);
  assert_int_equal(store_restore(fixture_folder, "/nonexistent", &err), BP_E_STATE);
  assert_non_null(strstr(err.message, pid));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  int lock = lockfile_take(fixture_folder, &err);
  assert_true(lock >= 0);
  lockfile_drop(lock);
}

static int64_t log_rows(void) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM live_log", -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int64_t count = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return count;
}

static void wait_for_rows(int64_t count) {
  for (int i = 0; i < 1000 && log_rows() != count; i++)
    usleep(10000);
  assert_int_equal(log_rows(), count);
}

static void test_the_log_is_cut_by_size(void **state) {
  (void)state;
  for (int i = 0; i < 50; i++)
    assert_int_equal(WRITE(PUBLISH("box.item", .payload = BP_STR("\"0123456789012345678901234567890123456789\""))).status, BP_OK);
  assert_int_equal(log_rows(), 50);
  store_set_retention(30, 820); /* a row counts 82 bytes: topic, payload and 32 */
  wait_for_rows(10);
  fixture_reopen();
  store_set_retention(30, 410);
  wait_for_rows(5);
  store_set_retention(30, 1);
  wait_for_rows(1); /* the newest stays: it holds the sequence */
}

static void test_the_log_is_cut_by_age(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++)
    assert_int_equal(WRITE(PUBLISH("box.item", .payload = BP_STR("1"))).status, BP_OK);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "UPDATE live_log SET time_ns = 1 WHERE seq <= 2", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  store_set_retention(30, INT64_C(1) << 30);
  wait_for_rows(2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_a_backup_comes_back),     STORE_TEST(test_what_is_replaced_is_kept),       STORE_TEST(test_a_backup_replaces_nothing),
      STORE_TEST(test_bad_sources_are_refused), STORE_TEST(test_a_running_host_is_not_restored), STORE_TEST(test_the_log_is_cut_by_size),
      STORE_TEST(test_the_log_is_cut_by_age),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
