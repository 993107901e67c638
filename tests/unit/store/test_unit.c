/* Units of writes: steps, expectations, references between steps, named conflicts, isolation inside a batch, publishing. */
#include "store_fixture.h"

#define ITEM(literal) PARAMS(TEXT(literal), TEXT("body"), INT(1))

static void test_a_unit_inserts_and_tells_row_id(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(ADD, ITEM("a")));
  assert_int_equal(s.status, BP_OK);
  assert_int_equal(s.changes, 1);
  assert_int_equal(s.rowid, 1);
  s = READ(GET, PARAMS(TEXT("a")));
  assert_string_equal(s.rows, "1|a|body|1;");
}

static void test_rows_come_back_from_returning(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(ADD_RETURNING, ITEM("a"), .expect = BP_DB_ONE));
  assert_int_equal(s.status, BP_OK);
  assert_string_equal(s.rows, "1|{\"name\":\"a\"};");
}

static void test_later_steps_use_results_and_row_ids(void **state) {
  (void)state;
  struct seen s =
      WRITE(EXEC(ADD_RETURNING, ITEM("a")), EXEC(PART, PARAMS({.size = sizeof(bp_db_value), .type = BP_DB_RESULT, .integer = 0}, TEXT("x"))),
            EXEC(ADD, ITEM("b")), EXEC(PART, PARAMS({.size = sizeof(bp_db_value), .type = BP_DB_ROWID, .step = 2}, TEXT("y"))));
  assert_int_equal(s.status, BP_OK);
  s = READ_ALL(PARTS);
  assert_string_equal(s.rows, "1|x;2|y;");
}

static void test_a_failed_expectation_undoes_the_unit(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(ADD, ITEM("a")), EXEC(RENAME, PARAMS(TEXT("missing"), TEXT("b")), .expect = BP_DB_ONE));
  assert_int_equal(s.status, BP_E_CONFLICT);
  assert_int_equal(s.failed_step, 1);
  assert_non_null(strstr(s.message, "\"rename\""));
  s = READ_ALL(COUNT);
  assert_string_equal(s.rows, "0;");
}

static void test_conflicts_are_named(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("a")));
  struct seen s = WRITE(EXEC(ADD, ITEM("a")));
  assert_int_equal(s.status, BP_E_EXISTS);
  assert_string_equal(s.pointer, "box_items.name");
  s = WRITE(EXEC(ADD, PARAMS(TEXT("c"), TEXT(""), INT(-1))));
  assert_int_equal(s.status, BP_E_CONFLICT);
  assert_string_equal(s.pointer, "size >= 0");
  s = WRITE(EXEC(PART, PARAMS(INT(99), TEXT("x"))));
  assert_int_equal(s.status, BP_E_CONFLICT);
}

static void test_if_changed_skips(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(RENAME, PARAMS(TEXT("none"), TEXT("b"))), EXEC(ADD, ITEM("c"), .flags = BP_DB_IF_CHANGED, .when_step = 0),
                        PUBLISH("box.item", .payload = BP_STR("{}"), .flags = BP_DB_IF_CHANGED, .when_step = 0));
  assert_int_equal(s.status, BP_OK);
  assert_int_equal(s.sequence, 0);
  s = READ_ALL(COUNT);
  assert_string_equal(s.rows, "0;");
}

static void test_an_empty_text_is_not_null(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(ADD, PARAMS(TEXT(""), {.size = sizeof(bp_db_value), .type = BP_DB_NULL}, INT(1))));
  assert_int_equal(s.status, BP_OK);
  s = READ(GET, PARAMS(TEXT("")));
  assert_string_equal(s.rows, "1||null|1;");
}

/* All are queued in one tick and so share a batch: those that fail do so alone, whatever way they fail. */
static void test_a_failing_unit_fails_alone(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("taken")));
  uint32_t const units = 40;
  struct seen seen[40];
  memset(seen, 0, sizeof(seen));
  for (uint32_t i = 0; i < units; i++) {
    char name[16];
    snprintf(name, sizeof(name), "n%u", i);
    bp_db_value good[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("b"), INT(1)};
    bp_db_step steps[] = {EXEC(ADD, .params = BP_ARRAY(good)), EXEC(i % 20 == 7 ? ADD_OR_ROLLBACK : ADD, ITEM("taken"))};
    bool fails = i % 4 == 3;
    bp_array array = {steps, fails ? 2 : 1, sizeof(steps[0])};
    assert_int_equal(DB->write(box->handle, array, fixture_done, &seen[i]), BP_OK);
  }
  for (uint32_t i = 0; i < units; i++)
    fixture_wait(&seen[i].calls, 1);
  for (uint32_t i = 0; i < units; i++) {
    assert_int_equal(seen[i].calls, 1);
    assert_int_equal(seen[i].status, i % 4 == 3 ? BP_E_EXISTS : BP_OK);
  }
  struct seen s = READ_ALL(COUNT);
  assert_string_equal(s.rows, "31;");
}

static struct {
  uint64_t sequences[8];
  uint32_t count;
  bp_status status;
  uint32_t calls;
  char text[256];
} live_seen;

static void on_live(void *ctx, bp_status status, const struct live_row *rows, uint32_t count, bool more, uint64_t oldest) {
  (void)ctx;
  (void)more;
  (void)oldest;
  struct buf text = {0};
  live_seen.status = status;
  live_seen.count = count;
  for (uint32_t i = 0; i < count && i < 8; i++) {
    live_seen.sequences[i] = rows[i].sequence;
    buf_append_str(&text, rows[i].key);
    buf_append_char(&text, '=');
    buf_append_str(&text, rows[i].payload);
    buf_append_char(&text, ';');
  }
  snprintf(live_seen.text, sizeof(live_seen.text), "%.*s", (int)text.len, text.data ? text.data : "");
  buf_release(&text);
  live_seen.calls++;
}

static void read_live(uint64_t from, uint32_t limit) {
  live_seen.calls = 0;
  store_live_read(&(bp_str)BP_STR("box.*"), 1, BP_LIT(""), from, limit, on_live, NULL);
  fixture_wait(&live_seen.calls, 1);
}

static void test_events_are_rows_of_the_same_commit(void **state) {
  (void)state;
  struct seen s = WRITE(EXEC(ADD_RETURNING, ITEM("a")), PUBLISH("box.item", .key = BP_STR("k"), .payload_step = 0, .payload_column = 1),
                        PUBLISH("box.item", .key = BP_STR("l"), .payload = BP_STR("{\"x\":1}")));
  assert_int_equal(s.status, BP_OK);
  assert_true(s.sequence > 0);
  read_live(0, 10);
  assert_string_equal(live_seen.text, "k={\"name\":\"a\"};l={\"x\":1};");
  assert_int_equal(live_seen.sequences[1], s.sequence);
  read_live(live_seen.sequences[0], 10);
  assert_string_equal(live_seen.text, "l={\"x\":1};");
}

static void test_a_failed_unit_publishes_nothing(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("a")));
  struct seen s = WRITE(PUBLISH("box.item", .payload = BP_STR("{}")), EXEC(ADD, ITEM("a")));
  assert_int_equal(s.status, BP_E_EXISTS);
  read_live(0, 10);
  assert_int_equal(live_seen.count, 0);
}

static void test_what_is_wrong_is_refused_at_once(void **state) {
  (void)state;
  assert_int_equal(WRITE(EXEC(ADD, PARAMS(TEXT("a")))).status, BP_E_INVALID);
  assert_int_equal(WRITE(EXEC(99, .flags = 0)).status, BP_E_INVALID);
  assert_int_equal(WRITE(EXEC(ADD, ITEM("a"), .flags = BP_DB_IF_CHANGED, .when_step = 0)).status, BP_E_INVALID);
  assert_int_equal(WRITE(EXEC(PART, PARAMS({.size = sizeof(bp_db_value), .type = BP_DB_ROWID, .step = 0}, TEXT("x")))).status, BP_E_INVALID);
  assert_int_not_equal(WRITE(PUBLISH("other.item", .payload = BP_STR("{}"))).status, BP_OK);
  assert_int_equal(READ(ADD, ITEM("a")).status, BP_E_INVALID);
  assert_int_equal(READ(ALL, PARAMS(INT(0)), .max_rows = 10001).status, BP_E_INVALID);
  assert_int_equal(store_pending(box), 0);
}

static char order[64];

static void note_order(void *ctx, const bp_db_outcome *o) {
  (void)o;
  size_t len = strlen(order);
  order[len] = *(const char *)ctx;
  order[len + 1] = '\0';
}

static void test_outcomes_come_in_order(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  order[0] = '\0';
  for (size_t i = 0; i < 5; i++) {
    bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(names[i == 3 ? 0 : i])}, TEXT("b"), INT(1)};
    bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
    bp_array array = {&step, 1, sizeof(step)};
    assert_int_equal(DB->write(box->handle, array, note_order, (void *)(uintptr_t)names[i]), BP_OK);
  }
  while (strlen(order) < 5) {
    loop_post(fixture_stop, NULL);
    loop_run();
  }
  assert_string_equal(order, "abcde");
}

static void test_cancelled_units_end_once(void **state) {
  (void)state;
  struct seen s[3];
  memset(s, 0, sizeof(s));
  for (size_t i = 0; i < 3; i++) {
    bp_db_value params[] = {TEXT("same"), TEXT("b"), INT(1)};
    bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
    bp_array array = {&step, 1, sizeof(step)};
    assert_int_equal(DB->write(box->handle, array, fixture_done, &s[i]), BP_OK);
  }
  assert_int_equal(store_pending(box), 3);
  store_cancel(box);
  for (size_t i = 0; i < 3; i++) {
    fixture_wait(&s[i].calls, 1);
    assert_int_equal(s[i].calls, 1);
    assert_int_equal(s[i].status, BP_E_CANCELLED);
  }
  assert_int_equal(store_pending(box), 0);
  assert_int_equal(WRITE(EXEC(ADD, ITEM("after"))).status, BP_OK);
}

static bp_db_result kept_result;

static void keep_result(void *ctx, const bp_db_outcome *o) {
  (*(uint32_t *)ctx)++;
  kept_result = o->result;
}

static void test_a_result_is_stale_after_done(void **state) {
  (void)state;
  uint32_t calls = 0;
  bp_db_query query = {.size = sizeof(query), .statement = COUNT};
  bp_array array = {&query, 1, sizeof(query)};
  assert_int_equal(DB->read(box->handle, array, 0, keep_result, &calls), BP_OK);
  fixture_wait(&calls, 1);
  bp_db_value value = {.size = sizeof(value)};
  assert_int_equal(DB->value(kept_result, 0, 0, 0, &value), BP_E_STALE);
  assert_int_equal(DB->rows(kept_result, 0), 0);
}

static void test_close_finishes_what_is_queued(void **state) {
  (void)state;
  struct seen s = {0};
  bp_db_value params[] = {TEXT("last"), TEXT("b"), INT(1)};
  bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
  bp_array array = {&step, 1, sizeof(step)};
  assert_int_equal(DB->write(box->handle, array, fixture_done, &s), BP_OK);
  store_close();
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.status, BP_OK);
  fixture_reopen();
  s = READ_ALL(COUNT);
  assert_string_equal(s.rows, "1;");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_a_unit_inserts_and_tells_row_id),
      STORE_TEST(test_rows_come_back_from_returning),
      STORE_TEST(test_later_steps_use_results_and_row_ids),
      STORE_TEST(test_a_failed_expectation_undoes_the_unit),
      STORE_TEST(test_conflicts_are_named),
      STORE_TEST(test_if_changed_skips),
      STORE_TEST(test_an_empty_text_is_not_null),
      STORE_TEST(test_a_failing_unit_fails_alone),
      STORE_TEST(test_events_are_rows_of_the_same_commit),
      STORE_TEST(test_a_failed_unit_publishes_nothing),
      STORE_TEST(test_what_is_wrong_is_refused_at_once),
      STORE_TEST(test_outcomes_come_in_order),
      STORE_TEST(test_cancelled_units_end_once),
      STORE_TEST(test_a_result_is_stale_after_done),
      STORE_TEST(test_close_finishes_what_is_queued),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
