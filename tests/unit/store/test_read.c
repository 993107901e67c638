/* Reads: snapshots and their sequence, rows and `more`, deadlines, pages of the live log. */
#include "store/live_rows.h"
#include "store_fixture.h"

static void fill(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    char name[16];
    snprintf(name, sizeof(name), "n%u", i);
    bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("b"), INT(1)};
    bp_db_step steps[] = {EXEC(ADD, .params = BP_ARRAY(params)), PUBLISH("box.item", .key = str_from(name), .payload = BP_STR("{}"))};
    assert_int_equal(fixture_write(steps, 2).status, BP_OK);
  }
}

static void test_pages_are_cut_and_say_so(void **state) {
  (void)state;
  fill(5);
  struct seen s = READ(ALL, PARAMS(INT(0)), .max_rows = 3);
  assert_string_equal(s.rows, "1|n0;2|n1;3|n2;");
  assert_int_equal(s.more, 1);
  s = READ(ALL, PARAMS(INT(3)), .max_rows = 2);
  assert_string_equal(s.rows, "4|n3;5|n4;");
  assert_int_equal(s.more, 0);
}

static void test_a_read_tells_the_sequence_it_includes(void **state) {
  (void)state;
  struct seen before = READ_ALL(COUNT);
  assert_int_equal(before.sequence, 0);
  struct seen s = WRITE(PUBLISH("box.item", .payload = BP_STR("{}")));
  assert_true(s.sequence > 0);
  assert_int_equal(READ_ALL(COUNT).sequence, s.sequence);
}

static struct {
  uint32_t calls;
  int64_t first, second;
} two;

static void on_two(void *ctx, const bp_db_outcome *o) {
  (void)ctx;
  bp_db_value value = {.size = sizeof(value)};
  assert_int_equal(o->status, BP_OK);
  assert_int_equal(DB->value(o->result, 0, 0, 0, &value), BP_OK);
  two.first = value.integer;
  assert_int_equal(DB->value(o->result, 1, 0, 0, &value), BP_OK);
  two.second = value.integer;
  assert_int_equal(DB->value(o->result, 1, 1, 0, &value), BP_E_NOT_FOUND);
  two.calls++;
}

/* Both queries of a read see the same rows, whatever is written meanwhile. */
static void test_queries_share_a_snapshot(void **state) {
  (void)state;
  bp_db_query queries[] = {{.size = sizeof(bp_db_query), .statement = COUNT}, {.size = sizeof(bp_db_query), .statement = COUNT}};
  bp_array array = BP_ARRAY(queries);
  for (uint32_t i = 0; i < 50; i++) {
    struct seen s = {0};
    char name[16];
    snprintf(name, sizeof(name), "n%u", i);
    bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("b"), INT(1)};
    bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
    bp_array steps = {&step, 1, sizeof(step)};
    two.calls = 0;
    assert_int_equal(DB->write(box->handle, steps, fixture_done, &s), BP_OK);
    assert_int_equal(DB->read(box->handle, array, 0, on_two, NULL), BP_OK);
    fixture_wait(&s.calls, 1);
    fixture_wait(&two.calls, 1);
    assert_int_equal(two.first, two.second);
  }
}

static void test_a_read_ends_at_its_deadline(void **state) {
  (void)state;
  struct seen s = fixture_read((bp_db_query){.statement = COUNT_FOREVER}, 50);
  assert_int_equal(s.status, BP_E_TIMEOUT);
  assert_non_null(strstr(s.message, "count_forever"));
  assert_int_equal(READ_ALL(COUNT).status, BP_OK);
}

static void test_a_running_read_is_cancelled(void **state) {
  (void)state;
  struct seen s = {0};
  bp_db_query query = {.size = sizeof(query), .statement = COUNT_FOREVER};
  bp_array array = {&query, 1, sizeof(query)};
  assert_int_equal(DB->read(box->handle, array, 60000, fixture_done, &s), BP_OK);
  usleep(20000);
  store_cancel(box);
  fixture_wait(&s.calls, 1);
  assert_int_equal(s.status, BP_E_CANCELLED);
}

static void test_close_ends_running_reads(void **state) {
  (void)state;
  struct seen s[3];
  memset(s, 0, sizeof(s));
  bp_db_query query = {.size = sizeof(query), .statement = COUNT_FOREVER};
  bp_array array = {&query, 1, sizeof(query)};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(DB->read(box->handle, array, 60000, fixture_done, &s[i]), BP_OK);
  store_close();
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(s[i].calls, 1);
    assert_int_equal(s[i].status, BP_E_CANCELLED);
  }
}

static void test_reads_are_bounded(void **state) {
  (void)state;
  uint32_t accepted = 0;
  bp_db_query query = {.size = sizeof(query), .statement = COUNT_FOREVER};
  bp_array array = {&query, 1, sizeof(query)};
  static struct seen s[1100];
  memset(s, 0, sizeof(s));

  while (accepted < 1100 && DB->read(box->handle, array, 60000, fixture_done, &s[accepted]) == BP_OK)
    accepted++;
  assert_true(accepted <= 1024);
  assert_int_equal(DB->read(box->handle, array, 60000, fixture_done, &s[0]), BP_E_BUSY);
  store_cancel(box);
  for (uint32_t i = 0; i < accepted; i++)
    fixture_wait(&s[i].calls, 1);
  assert_int_equal(store_pending(box), 0);
}

static struct {
  uint32_t calls, count;
  bool more;
  uint64_t last, oldest;
  char keys[128];
} page;

static void on_page(void *ctx, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest) {
  (void)ctx;
  assert_int_equal(status, BP_OK);
  page.keys[0] = '\0';
  page.count = count;
  page.more = more;
  page.oldest = oldest;
  for (uint32_t i = 0; i < count; i++) {
    snprintf(page.keys + strlen(page.keys), sizeof(page.keys) - strlen(page.keys), "%.*s,", (int)rows[i].key.len, rows[i].key.ptr);
    page.last = rows[i].sequence;
  }
  page.calls++;
}

static void read_page(const char *topic, const char *key, uint64_t from, uint32_t limit) {
  bp_str topics[] = {str_from(topic)};
  page.calls = 0;
  store_live_read(topics, topic ? 1 : 0, str_from(key), from, limit, on_page, NULL);
  fixture_wait(&page.calls, 1);
}

static void test_the_live_log_is_paged_and_filtered(void **state) {
  (void)state;
  fill(5);
  read_page(NULL, NULL, 0, 3);
  assert_string_equal(page.keys, "n0,n1,n2,");
  assert_true(page.more);
  assert_true(page.oldest > 0);
  read_page("box.item", NULL, page.last, 3);
  assert_string_equal(page.keys, "n3,n4,");
  assert_false(page.more);
  read_page("box.*", "n3", 0, 3);
  assert_string_equal(page.keys, "n3,");
  read_page("other.*", NULL, 0, 3);
  assert_int_equal(page.count, 0);
  read_page("box", NULL, 0, 3);
  assert_int_equal(page.count, 0);
}

static bool begins_with(const void *ctx, bp_str topic) {
  return str_starts(topic, str_from(ctx));
}

/* More topics than are merged, fewer, and one: each gives what the scan gives, in order. */
static void test_live_rows_come_in_order_of_whatever_topics(void **state) {
  char topic[32];
  (void)state;
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db,
                                "CREATE TABLE live_log (seq INTEGER PRIMARY KEY, time_ns INTEGER, topic TEXT, key TEXT, payload TEXT);"
                                "CREATE INDEX live_log_topic ON live_log (topic);"
                                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                                "INSERT INTO live_log SELECT i * 2, 0, 't' || (i * 7919 % 40), 'k', '{}' FROM n",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  static const char *const kinds[] = {"t", "t1", "t13", "none"};
  for (size_t i = 0; i < 4; i++) {
    struct live_rows rows;
    sqlite3_stmt *stmt;
    int64_t last = 100, seen = 0, expected;
    snprintf(topic, sizeof(topic), "%s", kinds[i]);
    assert_int_equal(live_rows_open(&rows, db, 100, begins_with, topic), SQLITE_OK);
    assert_int_equal(rows.count, i == 0 ? 1 : i == 1 ? 11 : i == 2 ? 1 : 0);
    while (live_rows_next(&rows, &stmt) == SQLITE_ROW) {
      assert_true(sqlite3_column_int64(stmt, LIVE_ROW_SEQ) > last);
      last = sqlite3_column_int64(stmt, LIVE_ROW_SEQ);
      seen++;
    }
    live_rows_release(&rows);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM live_log WHERE seq > 100 AND substr(topic, 1, length(?1)) = ?1", -1, &stmt, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(stmt, 1, topic, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    expected = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    assert_int_equal(seen, expected);
  }
  sqlite3_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_pages_are_cut_and_say_so),
      STORE_TEST(test_a_read_tells_the_sequence_it_includes),
      STORE_TEST(test_queries_share_a_snapshot),
      STORE_TEST(test_a_read_ends_at_its_deadline),
      STORE_TEST(test_a_running_read_is_cancelled),
      STORE_TEST(test_close_ends_running_reads),
      STORE_TEST(test_reads_are_bounded),
      STORE_TEST(test_the_live_log_is_paged_and_filtered),
      STORE_TEST(test_live_rows_come_in_order_of_whatever_topics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
