/* URI templates against URIs: modules/mcp/template.c. */
#include "../../../modules/mcp/template.c"
#include "unit.h"

static bool fits(const char *pattern, const char *uri) {
  return template_fits(bp_str_make(pattern, strlen(pattern)), bp_str_make(uri, strlen(uri)));
}

static void test_literals(void **state) {
  (void)state;
  assert_true(fits("", ""));
  assert_true(fits("a://b", "a://b"));
  assert_false(fits("a://b", "a://bc"));
  assert_false(fits("a://bc", "a://b"));
}

static void test_a_plain_expression_is_one_segment(void **state) {
  (void)state;
  assert_true(fits("t://{id}/data", "t://7/data"));
  assert_true(fits("t://{a}-{b}", "t://x-y-z"));
  assert_false(fits("t://{id}/data", "t:///data"));
  assert_false(fits("t://{id}/data", "t://7/8/data"));
  assert_false(fits("t://{id}", "t://7/"));
  assert_true(fits("t://{a}{b}", "t://xy"));
  assert_false(fits("t://{a}{b}", "t://x"));
}

static void test_wide_expressions(void **state) {
  (void)state;
  assert_true(fits("file:///{+path}", "file:///a/b/c"));
  assert_true(fits("file:///{path*}", "file:///a/b/c"));
  assert_true(fits("t://x{?q,limit}", "t://x?q=1"));
  assert_true(fits("t://x{?q}", "t://x"));
  assert_false(fits("t://{+a}/end", "t://x/y"));
}

static void test_what_is_no_template(void **state) {
  (void)state;
  assert_false(fits("t://{open", "t://{open"));
  assert_true(fits("t://{}x", "t://ax"));
}

/* A matcher that tries one way after the other would not come back from this one. */
static void test_the_cost_is_bounded(void **state) {
  char uri[2000];
  (void)state;
  memset(uri, 'a', sizeof(uri) - 1);
  uri[sizeof(uri) - 1] = '\0';
  assert_false(fits("{+a}a{+b}a{+c}a{+d}a{+e}a{+f}a{+g}a{+h}b", uri));
  assert_false(fits("{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}{m}{n}{o}{p}{q}", uri));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_literals),
      cmocka_unit_test(test_a_plain_expression_is_one_segment),
      cmocka_unit_test(test_wide_expressions),
      cmocka_unit_test(test_what_is_no_template),
      cmocka_unit_test(test_the_cost_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
