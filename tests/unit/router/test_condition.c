/* Unit tests of host/router/condition.c and http_date.c: the order of RFC 9110 section 13.2.2 and the forms of dates. */
#include "router/condition.h"
#include "router/fake_exchange.h"
#include "router/http_date.h"
#include "unit.h"

#define MODIFIED_S 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

#define DECIDE(method, ...) condition_decide(FAKE(&fake, (method), __VA_ARGS__), BP_LIT("tag"), MODIFIED_S)

static struct fake_exchange fake;

static void test_if_none_match_compares_weakly(void **state) {
  (void)state;
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "\"tag\""), 304);
  assert_int_equal(DECIDE(HTTP_HEAD, "If-None-Match", "W/\"tag\""), 304);
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "\"x,\", \"tag\""), 304);
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "\"x\"", "If-None-Match", "\"tag\""), 304);
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "*"), 304);
  assert_int_equal(DECIDE(HTTP_PUT, "If-None-Match", "*"), 412);
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "\"other\""), 0);
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "tag"), 0);
  assert_int_equal(condition_decide(FAKE(&fake, HTTP_GET, "If-None-Match", "\"\""), BP_LIT(""), 0), 0);
}

static void test_if_match_compares_strongly(void **state) {
  (void)state;
  assert_int_equal(DECIDE(HTTP_PUT, "If-Match", "\"tag\""), 0);
  assert_int_equal(DECIDE(HTTP_PUT, "If-Match", "*"), 0);
  assert_int_equal(DECIDE(HTTP_PUT, "If-Match", "W/\"tag\""), 412);
  assert_int_equal(DECIDE(HTTP_GET, "If-Match", "\"other\""), 412);
}

static void test_dates(void **state) {
  (void)state;
  assert_int_equal(DECIDE(HTTP_GET, "If-Modified-Since", MODIFIED), 304);
  assert_int_equal(DECIDE(HTTP_GET, "If-Modified-Since", BEFORE), 0);
  assert_int_equal(DECIDE(HTTP_POST, "If-Modified-Since", MODIFIED), 0);
  assert_int_equal(DECIDE(HTTP_GET, "If-Modified-Since", "yesterday"), 0);
  assert_int_equal(DECIDE(HTTP_PUT, "If-Unmodified-Since", MODIFIED), 0);
  assert_int_equal(DECIDE(HTTP_PUT, "If-Unmodified-Since", BEFORE), 412);
  assert_int_equal(condition_decide(FAKE(&fake, HTTP_GET, "If-Modified-Since", MODIFIED), BP_LIT("tag"), 0), 0);
}

static void test_tags_come_before_dates(void **state) {
  (void)state;
  assert_int_equal(DECIDE(HTTP_GET, "If-None-Match", "\"other\"", "If-Modified-Since", MODIFIED), 0);
  assert_int_equal(DECIDE(HTTP_PUT, "If-Match", "\"tag\"", "If-Unmodified-Since", BEFORE), 0);
  assert_int_equal(DECIDE(HTTP_GET, "If-Match", "\"other\"", "If-None-Match", "\"tag\""), 412);
}

static void test_if_range(void **state) {
  (void)state;
  assert_true(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", "\"tag\""), BP_LIT("tag"), MODIFIED_S));
  assert_false(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", "W/\"tag\""), BP_LIT("tag"), MODIFIED_S));
  assert_false(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", "\"other\""), BP_LIT("tag"), MODIFIED_S));
  assert_false(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", "\"tag\", \"x\""), BP_LIT("tag"), MODIFIED_S));
  assert_true(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", MODIFIED), BP_LIT("tag"), MODIFIED_S));
  assert_false(condition_range_holds(FAKE(&fake, HTTP_GET, "If-Range", BEFORE), BP_LIT("tag"), MODIFIED_S));
}

static void assert_date(const char *text, bool is_date) {
  int64_t at = 0;
  assert_int_equal(http_date_parse(str_from(text), &at), is_date);
  if (is_date)
    assert_int_equal(at, MODIFIED_S);
}

static void test_forms_of_dates(void **state) {
  (void)state;
  char text[HTTP_DATE_BYTES];
  http_date_format(MODIFIED_S, text);
  assert_string_equal(text, MODIFIED);
  http_date_format(INT64_MAX, text);
  assert_string_equal(text, "");
  assert_date(MODIFIED, true);
  assert_date("Sunday, 06-Nov-94 08:49:37 GMT", true);
  assert_date("Sun Nov  6 08:49:37 1994", true);
  assert_date("", false);
  assert_date("Sun, 06 Nov 1994 08:49:37", false);
  assert_date("Sun, 06 Nov 1994 08:49:37 GMT ", false);
  assert_date("Sun, 31 Apr 1994 08:49:37 GMT", false);
  assert_date("Sun, 06 Nov 1994 24:00:00 GMT", false);
  assert_date("Sun, 06 nov 1994 08:49:37 GMT", false);
  assert_date(", 06 Nov", false);
}

static void test_what_may_stand_in_a_tag(void **state) {
  (void)state;
  assert_true(condition_is_tag(BP_LIT("5f-1a2b")));
  assert_false(condition_is_tag(BP_LIT("")));
  assert_false(condition_is_tag(BP_LIT("a\"b")));
  assert_false(condition_is_tag(BP_LIT("a b")));
  assert_false(condition_is_tag(BP_LIT("a\r\nX: y")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_if_none_match_compares_weakly),
      cmocka_unit_test(test_if_match_compares_strongly),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_tags_come_before_dates),
      cmocka_unit_test(test_if_range),
      cmocka_unit_test(test_forms_of_dates),
      cmocka_unit_test(test_what_may_stand_in_a_tag),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
