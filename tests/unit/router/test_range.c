/* Unit tests of host/router/range.c. */
#include "router/fake_exchange.h"
#include "router/range.h"
#include "unit.h"

static struct fake_exchange fake;

static void assert_range(const char *value, uint64_t size_bytes, enum range_kind kind, uint64_t offset, uint64_t length) {
  struct range range = range_of(FAKE(&fake, HTTP_GET, "Range", value), size_bytes, BP_LIT("tag"), 0);
  if (range.kind != kind || range.offset != offset || range.length != length)
    fail_msg("\"%s\" of %llu: kind %d, %llu+%llu", value, (unsigned long long)size_bytes, range.kind, (unsigned long long)range.offset,
             (unsigned long long)range.length);
}

static void test_one_range(void **state) {
  (void)state;
  assert_range("bytes=0-0", 10, RANGE_PART, 0, 1);
  assert_range("bytes=2-5", 10, RANGE_PART, 2, 4);
  assert_range("Bytes= 2-", 10, RANGE_PART, 2, 8);
  assert_range("bytes=9-100", 10, RANGE_PART, 9, 1);
  assert_range("bytes=0-99999999999999999999999", 10, RANGE_PART, 0, 10);
  assert_range("bytes=-3", 10, RANGE_PART, 7, 3);
  assert_range("bytes=-30", 10, RANGE_PART, 0, 10);
}

static void test_what_cannot_be_satisfied(void **state) {
  (void)state;
  assert_range("bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0);
  assert_range("bytes=99999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0);
  assert_range("bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0);
  assert_range("bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0);
  assert_range("bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0);
}

static void test_what_is_ignored(void **state) {
  (void)state;
  static const char *const ignored[] = {"bytes=",    "bytes=-", "bytes=5-2",  "bytes=a-b",  "bytes=0-1,3-4",
                                        "lines=0-1", "0-1",     "bytes=+1-2", "bytes=1--2", "bytes 0-1"};
  for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
    assert_range(ignored[i], 10, RANGE_WHOLE, 0, 0);
  assert_int_equal(range_of(FAKE(&fake, HTTP_HEAD, "Range", "bytes=0-1"), 10, BP_LIT("tag"), 0).kind, RANGE_WHOLE);
  assert_int_equal(range_of(FAKE(&fake, HTTP_GET, "Range", "bytes=0-1", "Range", "bytes=2-3"), 10, BP_LIT("tag"), 0).kind, RANGE_WHOLE);
  assert_int_equal(range_of(FAKE(&fake, HTTP_GET, "Range", "bytes=0-1", "If-Range", "\"old\""), 10, BP_LIT("tag"), 0).kind, RANGE_WHOLE);
  assert_int_equal(range_of(FAKE(&fake, HTTP_GET, "Range", "bytes=0-1", "If-Range", "\"tag\""), 10, BP_LIT("tag"), 0).kind, RANGE_PART);
}

static void test_content_range(void **state) {
  (void)state;
  struct buf out = {0};
  range_write(&out, &(struct range){RANGE_PART, 2, 4}, 10);
  assert_str_eq(buf_str(&out), "bytes 2-5/10");
  buf_clear(&out);
  range_write(&out, &(struct range){RANGE_UNSATISFIABLE, 0, 0}, 10);
  assert_str_eq(buf_str(&out), "bytes */10");
  buf_release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_range),
      cmocka_unit_test(test_what_cannot_be_satisfied),
      cmocka_unit_test(test_what_is_ignored),
      cmocka_unit_test(test_content_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
