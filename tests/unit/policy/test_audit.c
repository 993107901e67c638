/* Unit tests of the audit: rows, filters, pages, masking and cutting, numbers that go on after a restart. */
#include "policy/audit.h"
#include "policy/facts_show.h"
#include "policy/policy_fixture.h"
#include "json/json.h"

struct page {
  unsigned calls;
  bp_status status;
  json_t *answer;
};

static void take(void *ctx, json_t *answer, bp_status status, const bp_error *err) {
  struct page *page = ctx;
  (void)err;
  page->calls++;
  page->status = status;
  page->answer = json_incref(answer);
}

static json_t *list(int64_t after, const char *set, const char *verdict, const char *principal, uint32_t limit) {
  struct page page = {0};
  bp_error err = BP_ERROR_INIT;
  const struct audit_filter filter = {
      .after = after, .set = str_from(set), .verdict = str_from(verdict), .principal = str_from(principal), .limit = limit};
  assert_int_equal(audit_list(&filter, take, &page, &err), BP_OK);
  fixture_wait(&page.calls, 1);
  assert_int_equal(page.status, BP_OK);
  return page.answer;
}

static size_t count_of(json_t *answer) {
  size_t count = json_array_size(json_object_get(answer, "entries"));
  json_decref(answer);
  return count;
}

/* Rows are written behind the caller's back. */
static void wait_for_rows(uint64_t rows) {
  while (audit_counters()->rows < rows) {
    loop_post(fixture_stop, NULL);
    loop_run();
    usleep(200);
  }
}

static uint64_t add(const char *set, const char *verdict, const char *principal, const json_t *facts) {
  return audit_add(&(struct audit_entry){.principal = str_from(principal),
                                         .module = BP_LIT("tools"),
                                         .operation = BP_LIT("run"),
                                         .set = str_from(set),
                                         .verdict = verdict,
                                         .rule = "a/b.lua",
                                         .reason = "because",
                                         .approval_id = "",
                                         .facts = facts});
}

static void rows_are_found_by_filters_and_in_pages(void **state) {
  (void)state;
  uint64_t before = audit_counters()->rows, first = add("one", "deny", "uid:1", NULL);
  for (unsigned i = 1; i < 25; i++)
    assert_int_equal(add(i % 2 ? "two" : "one", i % 5 ? "allow" : "deny", i % 3 ? "uid:1" : "uid:2", NULL), first + i);
  wait_for_rows(before + 25);
  assert_int_equal(count_of(list(0, "", "", "", 1000)), 25);
  assert_int_equal(count_of(list(0, "two", "", "", 1000)), 12);
  assert_int_equal(count_of(list(0, "", "deny", "", 1000)), 5);
  assert_int_equal(count_of(list(0, "one", "deny", "uid:1", 1000)), 3);
  int64_t after = 0;
  unsigned seen = 0, pages = 0;
  do {
    json_t *page = list(after, "", "", "", 10);
    seen += (unsigned)json_array_size(json_object_get(page, "entries"));
    after = json_integer_value(json_object_get(page, "next"));
    json_decref(page);
    pages++;
  } while (after > 0);
  assert_int_equal(pages, 3);
  assert_int_equal(seen, 25);
}

static json_t *entry(uint64_t id, bp_status *ret) {
  struct page page = {0};
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(audit_get((int64_t)id, take, &page, &err), BP_OK);
  fixture_wait(&page.calls, 1);
  *ret = page.status;
  return page.answer;
}

static void secrets_are_masked(void **state) {
  bp_status status;
  (void)state;
  uint64_t before = audit_counters()->rows;
  json_t *facts = json_pack("{s:s, s:{s:s, s:i}, s:s}", "X-Api-Key", "sk-live", "inner", "gitToken", "ghp_1234567890abcdef", "n", 1, "header",
                            "Authorization: Bearer abcdefghijkl");
  uint64_t id = add("one", "deny", "uid:1", facts);
  wait_for_rows(before + 1);
  json_t *found = entry(id, &status);
  assert_int_equal(status, BP_OK);
  const json_t *shown = json_object_get(found, "facts");
  assert_string_equal(json_string_value(json_object_get(shown, "X-Api-Key")), "***");
  assert_string_equal(json_string_value(json_object_get(json_object_get(shown, "inner"), "gitToken")), "***");
  assert_null(strstr(json_string_value(json_object_get(shown, "header")), "abcdefghijkl"));
  assert_true(json_is_false(json_object_get(found, "facts_cut")));
  json_decref(found);
  json_decref(facts);
}

static void long_facts_are_cut_on_a_character(void **state) {
  struct buf text = {0};
  (void)state;
  json_t *long_text = json_object(), *many = json_array();
  char umlauts[20001];
  for (size_t i = 0; i < sizeof(umlauts) - 1; i += 2)
    memcpy(umlauts + i, "\xc3\xbc", 2);
  umlauts[sizeof(umlauts) - 1] = '\0';
  json_object_set_new(long_text, "x", json_string(umlauts));
  assert_true(facts_show(long_text, &text));
  assert_true(text.len <= FACTS_SHOWN_BYTES && str_is_utf8(buf_str(&text)));
  buf_clear(&text);
  for (int i = 0; i < 100000; i++)
    json_array_append_new(many, json_integer(i));
  assert_true(facts_show(many, &text));
  assert_true(text.len <= FACTS_SHOWN_BYTES);
  buf_release(&text);
  json_decref(long_text);
  json_decref(many);
}

static void numbers_go_on_and_rows_stay(void **state) {
  bp_status status;
  (void)state;
  uint64_t before = audit_counters()->rows, id = add("one", "deny", "uid:1", NULL);
  wait_for_rows(before + 1);
  fixture_close();
  fixture_open();
  assert_int_equal(add("one", "allow", "uid:1", NULL), id + 1);
  wait_for_rows(before + 2);
  json_t *found = entry(id, &status);
  assert_string_equal(json_string_value(json_object_get(found, "verdict")), "deny");
  json_decref(found);
  assert_null(entry(id + 100, &status));
  assert_int_equal(status, BP_E_NOT_FOUND);
}

/* More rows than the store may be behind are lost, and counted; whoever decides does not wait. */
static void a_flood_is_bounded(void **state) {
  (void)state;
  uint64_t before = audit_counters()->rows, lost = audit_counters()->lost;
  for (unsigned i = 0; i < AUDIT_LIMIT_QUEUED + 10; i++)
    add("one", "deny", "uid:1", NULL);
  assert_int_equal(audit_counters()->lost - lost, 10);
  wait_for_rows(before + AUDIT_LIMIT_QUEUED);
  assert_int_not_equal(add("one", "deny", "uid:1", NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      POLICY_TEST(rows_are_found_by_filters_and_in_pages),
      POLICY_TEST(secrets_are_masked),
      cmocka_unit_test(long_facts_are_cut_on_a_character),
      POLICY_TEST(numbers_go_on_and_rows_stay),
      POLICY_TEST(a_flood_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
