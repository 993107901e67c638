/* Splitting a command text into arguments. */
#include "unit.h"

#include "../../../modules/git/split.c"
#include "../../../modules/git/text.c"
#include "../../../modules/kit/kit.c"
#include "../../../modules/kit/lenient.c"

/* The words with a bar after each, or the fault. */
static void check(const char *command, const char *expected) {
  struct words words = {0};
  struct text joined = {0};
  char what;
  const char *fault = split_command(str_z(command), &words, &what);
  text_append(&joined, "", 0);
  for (size_t i = 0; i < words.count; i++) {
    text_put(&joined, words.at[i]);
    text_put(&joined, "|");
  }
  if (expected)
    assert_null(fault);
  else
    assert_non_null(fault);
  if (expected)
    assert_string_equal(joined.data, expected);
  words_release(&words);
  text_release(&joined);
}

static void test_words(void **state) {
  (void)state;
  check("git status", "status|");
  check("status -s", "status|-s|");
  check("  status \t -s \n", "status|-s|");
  check("git", "");
  check("", "");
  check("git git", "git|");
  check("commit -m ''", "commit|-m||");
  check("log HEAD@{1} main^{commit} v* %H ~x $HOME", "log|HEAD@{1}|main^{commit}|v*|%H|~x|$HOME|");
}

static void test_quotes(void **state) {
  (void)state;
  check("commit -m 'a b;|&<>()`$(x)\"\\'", "commit|-m|a b;|&<>()`$(x)\"\\|");
  check("commit -m \"a b;'|\\\"\\\\\\$\\`\\n\"", "commit|-m|a b;'|\"\\$`\\n|");
  check("commit -m 'it'\\''s'", "commit|-m|it's|");
  check("commit -m'x y'z", "commit|-mx yz|");
  check("add a\\ b \\;", "add|a b|;|");
  check("commit -m 'two\nlines'", "commit|-m|two\nlines|");
}

static void test_what_only_a_shell_would_act_on_is_refused(void **state) {
  static const char *const commands[] = {"status; id", "status|id", "status & id", "status > x", "status < x", "log $(id)", "log `id`",
                                         "(status)",   "a\nb",      "status 'x",   "status \"x", "status x\\", "a\r\nb"};
  (void)state;
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
    check(commands[i], NULL);
}

static void test_masking(void **state) {
  struct text text = {0};
  (void)state;
  text_put_masked(&text, BP_LIT("a https://u:p@h/x ssh://git@h/y https://tok@h:1/z@q http://h/a@b x"));
  assert_string_equal(text.data, "a https://***@h/x ssh://git@h/y https://***@h:1/z@q http://h/a@b x");
  text_release(&text);
}

static void test_utf8(void **state) {
  struct text text = {0};
  (void)state;
  text_put_utf8(&text, BP_LIT("a\xff\xc3(\xe2\x82\xac\xed\xa0\x80\xf0\x9f\x98\x80\xc0\xaf"));
  assert_string_equal(text.data,
                      "a\xEF\xBF\xBD\xEF\xBF\xBD(\xe2\x82\xac\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xf0\x9f\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD");
  text_release(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),   cmocka_unit_test(test_quotes), cmocka_unit_test(test_what_only_a_shell_would_act_on_is_refused),
      cmocka_unit_test(test_masking), cmocka_unit_test(test_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
