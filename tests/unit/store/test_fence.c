/* The fence: each forbidden thing in a statement or a migration is refused with a message that names it. */
#include "store_fixture.h"

static bp_status add(const char *id, const char *migration, const char *statement, bp_error *err) {
  bp_migration m = {sizeof(m), 1, str_from(migration)};
  bp_statement s = {sizeof(s), 0, BP_LIT("probe"), str_from(statement)};
  bp_array migrations = {&m, migration ? 1 : 0, sizeof(m)}, statements = {&s, statement ? 1 : 0, sizeof(s)};
  struct plugin *plugin = plugin_add(str_from(id), "/x.so");
  bp_status status = fixture_add(plugin, &migrations, &statements, NULL, err);
  store_remove(plugin);
  plugin_retire(plugin);
  return status;
}

static void test_statements_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *sql, *names;
  } cases[] = {
      {"SELECT * FROM box_items", "box_items"},
      {"SELECT count(*) FROM box_items", "box_items"},
      {"SELECT count(*) FROM BOX_ITEMS", "BOX_ITEMS"},
      {"SELECT count(*) FROM live_log", "live_log"},
      {"SELECT 1 WHERE EXISTS (SELECT 1 FROM bp_meta)", "bp_meta"},
      {"INSERT INTO box_items (name) VALUES ('x')", "box_items"},
      {"UPDATE bp_meta SET value = 9", "bp_meta"},
      {"DELETE FROM live_log", "live_log"},
      {"SELECT * FROM sqlite_master", "sqlite_master"},
      {"SELECT name FROM sqlite_schema", "sqlite_master"},
      {"SELECT count(*) FROM sqlite_sequence", "sqlite_sequence"},
      {"UPDATE sqlite_sequence SET seq = 0", "sqlite_sequence"},
      {"SELECT * FROM pragma_table_info('box_items')", "the schema"},
      {"SELECT count(*) FROM dbstat", "the schema"},
      {"SELECT * FROM sqlite_stmt", "the schema"},
      {"SELECT * FROM bp_search_1", "the schema"},
      {"SELECT block FROM bp_search_1_data", "bp_search_1_data"},
      {"ATTACH '/tmp/x.db' AS x", "/tmp/x.db"},
      {"DETACH main", "main"},
      {"PRAGMA user_version", "user_version"},
      {"PRAGMA writable_schema = ON", "writable_schema"},
      {"VACUUM", ""},
      {"BEGIN", "BEGIN"},
      {"COMMIT", "COMMIT"},
      {"SAVEPOINT s", "BEGIN"},
      {"CREATE TABLE probe_more (a)", "the schema"},
      {"CREATE TEMP TABLE probe_temp (a)", "the schema"},
      {"DROP TABLE probe_own", "the schema"},
      {"ALTER TABLE probe_own ADD COLUMN b", "probe_own"},
      {"ANALYZE", ""},
      {"SELECT load_extension('x')", "load_extension"},
      {"SELECT fts3_tokenizer('simple')", "fts3_tokenizer"},
      {"SELECT rtreecheck('main', 'box_items')", "rtreecheck"},
      {"SELECT a FROM probe_own; SELECT 1", "more than one"},
      {"EXPLAIN SELECT a FROM probe_own", "EXPLAIN"},
      {"", "empty"},
      {"SELEC 1", "syntax error"},
      {"SELECT \"nonexistent\" FROM probe_own", "nonexistent"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    bp_error err = BP_ERROR_INIT;
    bp_status status = add("probe", "CREATE TABLE probe_own (a)", cases[i].sql, &err);
    if (status == BP_OK || !strstr(err.message, cases[i].names) || !strstr(err.message, "probe"))
      fail_msg("%s: status %d, message %s", cases[i].sql, (int)status, err.message);
  }
}

static void test_statements_are_allowed(void **state) {
  (void)state;
  static const char *const cases[] = {
      "SELECT a FROM probe_own",
      "SELECT count(*) FROM probe_own",
      "WITH n AS (SELECT 1 AS one) SELECT count(*) FROM n",
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT sum(i) FROM n",
      "INSERT INTO probe_own (a) VALUES (?1) ON CONFLICT DO UPDATE SET a = excluded.a RETURNING a",
      "SELECT value FROM json_each(?1)",
      "SELECT json_group_array(a) FROM probe_own",
      "SELECT lower(a), strftime('%s', 'now'), random() FROM probe_own;",
      "DELETE FROM probe_own WHERE a IN (SELECT a FROM probe_own LIMIT 3)",
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    bp_error err = BP_ERROR_INIT;
    if (add("probe", "CREATE TABLE probe_own (a UNIQUE)", cases[i], &err) != BP_OK)
      fail_msg("%s: %s", cases[i], err.message);
  }
}

static void test_migrations_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *sql, *names;
  } cases[] = {
      {"CREATE TABLE other_t (a)", "other_t"},
      {"CREATE TABLE bp_mine (a)", "bp_mine"},
      {"CREATE TABLE probe_a (a); CREATE INDEX other_i ON probe_a (a)", "other_i"},
      {"CREATE INDEX probe_i ON box_items (name)", "probe_i"},
      {"CREATE TRIGGER probe_t AFTER INSERT ON box_items BEGIN SELECT 1; END", "probe_t"},
      {"CREATE TEMP TRIGGER probe_t AFTER INSERT ON box_items BEGIN SELECT 1; END", "probe_t"},
      {"CREATE VIRTUAL TABLE probe_f USING fts5(a)", "probe_f"},
      {"DROP TABLE box_items", "box_items"},
      {"DROP TRIGGER bp_search_1_insert", "bp_search_1_insert"},
      {"ALTER TABLE box_items RENAME TO probe_stolen", "box_items"},
      {"CREATE TABLE probe_a (a); ALTER TABLE probe_a RENAME TO other_a", "other_a"},
      {"CREATE TABLE probe_copy AS SELECT * FROM box_items", "box_items"},
      {"INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, '')", "sqlite_master"},
      {"CREATE TABLE probe_a (a); UPDATE sqlite_sequence SET seq = 0", "sqlite_sequence"},
      {"PRAGMA writable_schema = ON", "writable_schema"},
      {"PRAGMA foreign_keys = OFF", "foreign_keys"},
      {"ATTACH '/tmp/x.db' AS x", "x.db"},
      {"COMMIT", "COMMIT"},
      {"UPDATE live_log SET topic = ''", "live_log"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    bp_error err = BP_ERROR_INIT;
    bp_status status = add("probe", cases[i].sql, NULL, &err);
    if (status == BP_OK || !strstr(err.message, cases[i].names))
      fail_msg("%s: status %d, message %s", cases[i].sql, (int)status, err.message);
  }
}

static void test_migrations_may_do_all_this_to_their_own(void **state) {
  (void)state;
  static const char sql[] = "CREATE TABLE probe_a (id INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT UNIQUE, c REFERENCES probe_a (id));"
                            "CREATE INDEX probe_a_c ON probe_a (c);"
                            "CREATE VIEW probe_v AS SELECT b FROM probe_a;"
                            "CREATE TRIGGER probe_t AFTER INSERT ON probe_a BEGIN UPDATE probe_a SET c = NULL WHERE id = new.id; END;"
                            "INSERT INTO probe_a (b) VALUES ('x'), ('y');"
                            "ALTER TABLE probe_a ADD COLUMN d; ALTER TABLE probe_a RENAME COLUMN d TO e;"
                            "CREATE TABLE probe_n (id INTEGER PRIMARY KEY, b TEXT); INSERT INTO probe_n SELECT id, b FROM probe_a;"
                            "DROP VIEW probe_v; DROP TRIGGER probe_t; DROP INDEX probe_a_c; DROP TABLE probe_a;"
                            "ALTER TABLE probe_n RENAME TO probe_a; REINDEX probe_a;";
  bp_error err = BP_ERROR_INIT;
  if (add("probe", sql, "SELECT count(b) FROM probe_a", &err) != BP_OK)
    fail_msg("%s", err.message);
}

/* A trigger or a view may name another's table: what uses it is refused. */
static void test_triggers_and_views_do_not_reach_further(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  static const char trigger[] = "CREATE TABLE probe_a (b); CREATE TRIGGER probe_t AFTER INSERT ON probe_a BEGIN DELETE FROM box_items; END;";
  assert_int_not_equal(add("probe", trigger, "INSERT INTO probe_a VALUES (1)", &err), BP_OK);
  assert_non_null(strstr(err.message, "box_items"));
  assert_int_not_equal(add("eye", "CREATE VIEW eye_v AS SELECT name FROM box_items", "SELECT * FROM eye_v", &err), BP_OK);
  assert_non_null(strstr(err.message, "box_items"));
}

static void test_ids_become_prefixes(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add("org.example.my-notes", "CREATE TABLE org_example_my_notes_t (a)", "SELECT a FROM org_example_my_notes_t", &err), BP_OK);
  assert_int_not_equal(add("bp", "CREATE TABLE bp_x (a)", NULL, &err), BP_OK);
  assert_int_not_equal(add("live", NULL, "SELECT payload FROM live_log", &err), BP_OK);
}

static void test_a_longer_prefix_owns_its_tables(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add("acp-gateway", "CREATE TABLE acp_gateway_t (a)", NULL, &err), BP_OK);
  assert_int_equal(add("acp", "CREATE TABLE acp_t (a)", "SELECT a FROM acp_gateway_t", &err), BP_E_DENIED);
}

static void test_the_message_says_what_to_do(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(add("probe", NULL, "DELETE FROM box_items", &err), BP_E_DENIED);
  assert_string_equal(err.message, "statement \"probe\" of plugin \"probe\" is refused: it deletes from table \"box_items\"");
  assert_non_null(strstr(err.hint, "\"probe_\""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_statements_are_refused),
      STORE_TEST(test_statements_are_allowed),
      STORE_TEST(test_migrations_are_refused),
      STORE_TEST(test_migrations_may_do_all_this_to_their_own),
      STORE_TEST(test_triggers_and_views_do_not_reach_further),
      STORE_TEST(test_ids_become_prefixes),
      STORE_TEST(test_a_longer_prefix_owns_its_tables),
      STORE_TEST(test_the_message_says_what_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
