/* Full-text search: complete at once, true after updates and deletes, safe with any text. */
#include "store_fixture.h"

#define ITEM(name, body) PARAMS(TEXT(name), TEXT(body), INT(1))

static void test_new_rows_are_found_at_once(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("one", "the quick brown fox")));
  WRITE(EXEC(ADD, ITEM("two", "a lazy dog")));
  struct seen s = fixture_search("quick fox", 10, 0);
  assert_int_equal(s.status, BP_OK);
  assert_int_equal(s.row_count, 1);
  assert_int_equal(s.columns, 3);
  assert_int_equal(strncmp(s.rows, "1|", 2), 0);
  assert_non_null(strstr(s.rows, "quick brown fox"));
  assert_int_equal(fixture_search("quick dog", 10, 0).row_count, 0);
  assert_int_equal(fixture_search("qui*", 10, 0).row_count, 1);
  assert_int_equal(fixture_search("qui", 10, 0).row_count, 0);
}

static void test_updates_and_deletes_are_followed(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("one", "apple")));
  WRITE(EXEC(ADD, ITEM("two", "apple pear")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 2);
  WRITE(EXEC(SET_BODY, PARAMS(TEXT("one"), TEXT("plum"))));
  WRITE(EXEC(SET_BODY, PARAMS(TEXT("one"), TEXT("cherry"))));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 1);
  assert_int_equal(fixture_search("plum", 10, 0).row_count, 0);
  assert_int_equal(fixture_search("cherry", 10, 0).row_count, 1);
  WRITE(EXEC(DROP, PARAMS(TEXT("two"))));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 0);
  /* the largest row id is taken again, below the watermark */
  WRITE(EXEC(ADD, ITEM("three", "apple again")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 1);
  assert_int_equal(fixture_search("pear", 10, 0).row_count, 0);
  WRITE(EXEC(ADD_OR_REPLACE, ITEM("three", "grape")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 0);
  assert_int_equal(fixture_search("grape", 10, 0).row_count, 1);
}

static void test_a_rolled_back_unit_leaves_the_index_right(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("one", "apple")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 1);
  WRITE(EXEC(SET_BODY, PARAMS(TEXT("one"), TEXT("plum"))), EXEC(ADD, ITEM("one", "again")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 1);
  assert_int_equal(fixture_search("plum", 10, 0).row_count, 0);
}

static void test_odd_text_is_never_an_error(void **state) {
  (void)state;
  static const char *const texts[] = {"",   " ",        "*",        "**",   "\"",   "\"\"",     "a\"b",     "NEAR(a b)", "AND",      "OR NOT",
                                      "(",  ")",        "name:fox", "-fox", "^fox", "fox AND",  "\xff\xfe", "+",         "{a b}:c",  "a*b",
                                      "''", "fox*fox*", "\\",       ";--",  "!?.,", "\xE2\x82", "rank:1",   "* fox",     "fox \" a", "\t\n"};
  WRITE(EXEC(ADD, ITEM("one", "the quick brown fox")));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct seen s = fixture_search(texts[i], 10, 0);
    if (s.status != BP_OK)
      fail_msg("\"%s\": %s", texts[i], s.message);
  }
  assert_int_equal(fixture_search("!! fox ...", 10, 0).row_count, 1);
}

static void test_results_are_paged(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 7; i++) {
    char name[16];
    snprintf(name, sizeof(name), "n%u", i);
    bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("common word"), INT(1)};
    bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
    assert_int_equal(fixture_write(&step, 1).status, BP_OK);
  }
  struct seen s = fixture_search("common", 5, 0);
  assert_int_equal(s.row_count, 5);
  assert_int_equal(s.more, 1);
  s = fixture_search("common", 5, 5);
  assert_int_equal(s.row_count, 2);
  assert_int_equal(s.more, 0);
}

static void test_bounds_are_told(void **state) {
  (void)state;
  struct seen s = {0};
  assert_int_equal(DB->search(box->handle, BP_LIT("missing"), BP_LIT("x"), 1, 0, fixture_done, &s), BP_E_NOT_FOUND);
  assert_int_equal(DB->search(box->handle, BP_LIT("items"), BP_LIT("x"), 1001, 0, fixture_done, &s), BP_E_INVALID);
  char text[1100];
  memset(text, 'a', sizeof(text));
  assert_int_equal(DB->search(box->handle, BP_LIT("items"), bp_str_make(text, sizeof(text)), 1, 0, fixture_done, &s), BP_E_INVALID);
}

/* More rows than one piece of indexing takes. */
static void test_a_long_backlog_is_completed(void **state) {
  (void)state;
  static struct seen seen[700];
  memset(seen, 0, sizeof(seen));
  for (uint32_t i = 0; i < 700; i++) {
    char name[16];
    snprintf(name, sizeof(name), "n%u", i);
    bp_db_value params[] = {{.size = sizeof(bp_db_value), .type = BP_DB_TEXT, .text = str_from(name)}, TEXT("bulk"), INT(1)};
    bp_db_step step = EXEC(ADD, .params = BP_ARRAY(params));
    bp_array steps = {&step, 1, sizeof(step)};
    assert_int_equal(DB->write(box->handle, steps, fixture_done, &seen[i]), BP_OK);
  }
  assert_int_equal(fixture_search("bulk", 1000, 0).row_count, 700);
  for (uint32_t i = 0; i < 700; i++)
    fixture_wait(&seen[i].calls, 1);
}

static void test_an_index_survives_a_restart(void **state) {
  (void)state;
  WRITE(EXEC(ADD, ITEM("one", "apple")));
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 1);
  WRITE(EXEC(SET_BODY, PARAMS(TEXT("one"), TEXT("plum"))));
  fixture_reopen();
  assert_int_equal(fixture_search("apple", 10, 0).row_count, 0);
  assert_int_equal(fixture_search("plum", 10, 0).row_count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(test_new_rows_are_found_at_once),
      STORE_TEST(test_updates_and_deletes_are_followed),
      STORE_TEST(test_a_rolled_back_unit_leaves_the_index_right),
      STORE_TEST(test_odd_text_is_never_an_error),
      STORE_TEST(test_results_are_paged),
      STORE_TEST(test_bounds_are_told),
      STORE_TEST(test_a_long_backlog_is_completed),
      STORE_TEST(test_an_index_survives_a_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
