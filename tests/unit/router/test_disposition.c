/* Unit tests of host/router/disposition.c. */
#include "router/disposition.h"
#include "unit.h"

static void assert_written(bool is_attachment, const char *filename, const char *expected) {
  struct buf out = {0};
  disposition_write(&out, is_attachment, str_from(filename));
  assert_true(str_eq(buf_str(&out), str_from(expected)));
  buf_release(&out);
}

static void test_plain_names_are_quoted_and_others_encoded(void **state) {
  (void)state;
  assert_written(true, "x", "attachment; filename=\"x\"");
  assert_written(false, "report-1_a~.txt", "inline; filename=\"report-1_a~.txt\"");
  assert_written(true, "x y.txt", "attachment; filename*=utf-8''x%20y.txt");
  assert_written(true, "\xC3\xBC.txt", "attachment; filename*=utf-8''%C3%BC.txt");
  assert_written(true, "a\"b\\c/d", "attachment; filename*=utf-8''a%22b%5Cc%2Fd");
  assert_written(true, "a\r\nX: y", "attachment; filename*=utf-8''a%0D%0AX%3A%20y");
  assert_written(true, "", "attachment");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain_names_are_quoted_and_others_encoded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
