/* Schema versions: order, gaps, downgrades, the backup before, failures that leave nothing behind, files that are none of ours. */
#include "store_fixture.h"

#include <sys/stat.h>

static bp_status add(const bp_migration *migrations, uint32_t count, bp_error *err) {
  bp_array array = {migrations, count, sizeof(*migrations)};
  struct plugin *plugin = plugin_add(BP_LIT("note"), "/note.so");
  bp_status status = fixture_add(plugin, &array, NULL, NULL, err);
  store_remove(plugin);
  plugin_retire(plugin);
  return status;
}

static const bp_migration note[] = {
    {sizeof(bp_migration), 1, BP_STR("CREATE TABLE note_a (x)")},
    {sizeof(bp_migration), 2, BP_STR("ALTER TABLE note_a ADD COLUMN y; INSERT INTO note_a VALUES (1, 2)")},
};

/* A restart: pending migrations of a known plugin need one. */
static void restart(void) {
  bp_error err = BP_ERROR_INIT;
  store_close();
  if (fixture_open(&err) != BP_OK)
    fail_msg("%s", err.message);
}

static int64_t query(const char *sql) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  int64_t value = -1;
  if (sqlite3_open(fixture_path, &db) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
    value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return value;
}

static int backups(void) {
  char folder[128];
  int count = 0;
  snprintf(folder, sizeof(folder), "%s/backups", fixture_folder);
  DIR *dir = opendir(folder);
  for (struct dirent *entry; dir && (entry = readdir(dir));)
    count += strncmp(entry->d_name, "before-", 7) == 0;
  if (dir)
    closedir(dir);
  return count;
}

static void test_versions_are_applied_once(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(query("SELECT count(*) FROM note_a WHERE y = 2"), 1);
  assert_int_equal(query("SELECT value FROM bp_meta WHERE name = 'plugin:note'"), 2);
}

static void test_a_gap_is_refused(void **state) {
  (void)state;
  bp_migration gap[] = {note[0], {sizeof(bp_migration), 3, BP_STR("SELECT 1")}};
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add(gap, 2, &err), BP_E_INVALID);
  assert_non_null(strstr(err.message, "version 3"));
}

static void test_a_downgrade_is_refused_with_the_fix(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(add(note, 1, &err), BP_E_UNSUPPORTED);
  assert_non_null(strstr(err.hint, "restore"));
}

static void test_a_failing_migration_leaves_nothing(void **state) {
  (void)state;
  bp_migration bad[] = {note[0], {sizeof(bp_migration), 2, BP_STR("CREATE TABLE note_b (x); INSERT INTO note_missing VALUES (1)")}};
  bp_error err = BP_ERROR_INIT;
  assert_int_not_equal(add(bad, 2, &err), BP_OK);
  assert_non_null(strstr(err.message, "note_missing"));
  assert_int_equal(query("SELECT count(*) FROM sqlite_schema WHERE name = 'note_b'"), 0);
  assert_int_equal(query("SELECT value FROM bp_meta WHERE name = 'plugin:note'"), 1);
}

static void test_a_backup_is_made_before(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add(note, 1, &err), BP_OK);
  assert_int_equal(backups(), 0); /* the file is of this run */
  restart();
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(backups(), 1);
  restart();
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(backups(), 1);
}

static void test_the_newest_five_backups_stay(void **state) {
  (void)state;
  char text[8][64];
  bp_migration many[8];
  bp_error err = BP_ERROR_INIT;
  for (uint32_t i = 0; i < 8; i++) {
    snprintf(text[i], sizeof(text[i]), "CREATE TABLE note_%u (x)", i);
    many[i] = (bp_migration){sizeof(many[i]), i + 1, str_from(text[i])};
    assert_int_equal(add(many, i + 1, &err), BP_OK);
    restart();
  }
  assert_int_equal(backups(), 5);
}

static void test_a_pending_migration_needs_a_restart(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add(note, 1, &err), BP_OK);
  store_ready();
  assert_int_equal(add(note, 2, &err), BP_E_STATE);
  assert_non_null(strstr(err.message, "restart"));
}

static const bp_migration endless[] = {
    {sizeof(bp_migration), 1,
     BP_STR(
         "CREATE TABLE note_a (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO note_a SELECT i FROM n WHERE i < 0")},
};

/* A migration of a plugin that comes while the host serves, and what ends it. */
static void start_endless(struct plugin *plugin, struct fixture_added *added) {
  static const bp_array array = BP_ARRAY(endless);
  store_ready();
  store_add(plugin, &array, NULL, NULL, fixture_note_added, added);
  assert_int_equal(store_pending(plugin), 1);
}

static void test_a_migration_at_run_time_leaves_main_free_and_can_be_cancelled(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  struct fixture_added added = {.err = &err};
  struct plugin *plugin = plugin_add(BP_LIT("note"), "/note.so");
  start_endless(plugin, &added);
  for (int tick = 0; tick < 100; tick++) {
    loop_post(fixture_stop, NULL);
    loop_run();
    usleep(1000);
  }
  assert_int_equal(added.calls, 0);
  store_cancel(plugin);
  fixture_wait(&added.calls, 1);
  assert_int_equal(added.status, BP_E_CANCELLED);
  assert_int_equal(store_pending(plugin), 0);
  assert_int_equal(query("SELECT count(*) FROM sqlite_schema WHERE name = 'note_a'"), 0);
  store_remove(plugin);
  plugin_retire(plugin);
  assert_int_equal(add(note, 2, &err), BP_OK);
  assert_int_equal(query("SELECT count(*) FROM note_a"), 1);
}

static void test_closing_ends_a_migration(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  struct fixture_added added = {.err = &err};
  struct plugin *plugin = plugin_add(BP_LIT("note"), "/note.so");
  start_endless(plugin, &added);
  store_close();
  assert_int_equal(added.calls, 1);
  assert_int_equal(added.status, BP_E_CANCELLED);
  assert_int_equal(query("SELECT count(*) FROM sqlite_schema WHERE name = 'note_a'"), 0);
  plugin_retire(plugin);
}

static void test_a_newer_host_schema_is_refused(void **state) {
  (void)state;
  sqlite3 *db = NULL;
  bp_error err = BP_ERROR_INIT;
  store_close();
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "UPDATE bp_meta SET value = 99 WHERE name = 'schema'", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(fixture_open(&err), BP_E_UNSUPPORTED);
  assert_non_null(strstr(err.hint, "restore"));
}

static void test_other_files_are_refused(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  store_close();
  fixture_empty(fixture_folder);
  assert_int_equal(mkdir(fixture_folder, 0700), 0);
  struct store_options options = {.path = fixture_path};
  assert_int_equal(store_open(&options, &err), BP_E_NOT_FOUND);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(fixture_path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "CREATE TABLE stranger (x)", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  assert_int_equal(fixture_open(&err), BP_E_INVALID);
  FILE *file = fopen(fixture_path, "w");
  for (int i = 0; i < 1000; i++)
    fputs("this is no database\n", file);
  fclose(file);
  assert_int_equal(fixture_open(&err), BP_E_IO);
}

static void test_the_file_is_private(void **state) {
  (void)state;
  struct stat st;
  assert_int_equal(stat(fixture_path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  store_close();
  assert_int_equal(chmod(fixture_path, 0644), 0);
  restart();
  assert_int_equal(stat(fixture_path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
}

static int setup(void **state) {
  bp_error err = BP_ERROR_INIT;
  return fixture_folder_make(state) != 0 || fixture_open(&err) != BP_OK ? -1 : 0;
}

static int teardown(void **state) {
  store_close();
  return fixture_folder_remove(state);
}

#define MIGRATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      MIGRATE_TEST(test_versions_are_applied_once),
      MIGRATE_TEST(test_a_gap_is_refused),
      MIGRATE_TEST(test_a_downgrade_is_refused_with_the_fix),
      MIGRATE_TEST(test_a_failing_migration_leaves_nothing),
      MIGRATE_TEST(test_a_backup_is_made_before),
      MIGRATE_TEST(test_the_newest_five_backups_stay),
      MIGRATE_TEST(test_a_pending_migration_needs_a_restart),
      MIGRATE_TEST(test_a_migration_at_run_time_leaves_main_free_and_can_be_cancelled),
      MIGRATE_TEST(test_closing_ends_a_migration),
      MIGRATE_TEST(test_a_newer_host_schema_is_refused),
      MIGRATE_TEST(test_other_files_are_refused),
      MIGRATE_TEST(test_the_file_is_private),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
