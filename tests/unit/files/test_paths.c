/* The files module's pure parts: paths as clients write them, patterns, base64. */
#define path_join files_path_join /* the host has one as well */
#include "../../../modules/files/base64.c"
#include "../../../modules/files/paths.c"
#include "unit.h"

static bp_str str(const char *text) {
  return bp_str_make(text, strlen(text));
}

static void test_paths(void **state) {
  static const char *const fine[][2] = {
      {"", ""},
      {"/", ""},
      {"//", ""},
      {".", ""},
      {"a", "a"},
      {"/a/b/", "a/b"},
      {"a//./b", "a/b"},
      {"..a", "..a"},
      {"a..b", "a..b"},
      {"a/..", "a/.."},
      {"a/../b", "a/../b"},
      {"...", "..."},
      {"/etc", "etc"},
      {"a/b/../../c", "a/b/../../c"},
      {".git", ".git"},
      {" ", " "},
  };
  static const char *const outside[] = {"..", "/..", "../a", "a/../..", "./..", "a/../../b", "//../x", "a/b/../../.."};
  char path[PATH_BYTES];
  (void)state;
  for (unsigned i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
    assert_int_equal(path_read(str(fine[i][0]), path), PATH_FINE);
    assert_string_equal(path, fine[i][1]);
  }
  for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
    assert_int_equal(path_read(str(outside[i]), path), PATH_OUTSIDE);
}

static void test_long_paths(void **state) {
  char text[2 * PATH_BYTES], path[PATH_BYTES];
  (void)state;
  memset(text, 'a', sizeof(text));
  assert_int_equal(path_read(bp_str_make(text, PATH_BYTES - 2), path), PATH_FINE);
  assert_int_equal(strlen(path), PATH_BYTES - 2);
  assert_int_equal(path_read(bp_str_make(text, PATH_BYTES), path), PATH_TOO_LONG);
  assert_int_equal(path_read(bp_str_make(text, sizeof(text)), path), PATH_TOO_LONG);
  for (size_t i = 0; i < sizeof(text); i += 2)
    text[i] = '/';
  assert_int_equal(path_read(bp_str_make(text, sizeof(text)), path), PATH_TOO_LONG);
  memset(text, '/', sizeof(text));
  assert_int_equal(path_read(bp_str_make(text, sizeof(text)), path), PATH_FINE);
  assert_string_equal(path, "");
}

static void test_joining(void **state) {
  char path[PATH_BYTES];
  (void)state;
  assert_int_equal(path_join(str("/a"), str("b"), path), PATH_FINE);
  assert_string_equal(path, "a/b");
  assert_int_equal(path_join(str("/"), str("b"), path), PATH_FINE);
  assert_string_equal(path, "b");
  assert_int_equal(path_join(str("/a"), str("../../b"), path), PATH_OUTSIDE);
  assert_int_equal(path_join(str("/"), str(".."), path), PATH_OUTSIDE);
}

static void test_names(void **state) {
  (void)state;
  assert_true(path_is_git(str("a/.git/config")) && path_is_git(str(".GIT")) && path_is_git(str("x/git~1")) && path_is_git(str(".git. /x")));
  assert_false(path_is_git(str("a/.gitignore")) || path_is_git(str("git")) || path_is_git(str(".github/x")));
  assert_true(path_is_name(str("a")) && path_is_name(str("...")) && path_is_name(str("a\\b")));
  assert_false(path_is_name(str("")) || path_is_name(str(".")) || path_is_name(str("..")) || path_is_name(str("a/b")));
  assert_true(path_is_trash(str(".backplane-trash")) && path_is_trash(str(".backplane-trash/x")));
  assert_false(path_is_trash(str(".backplane-trash2")) || path_is_trash(str("x/.backplane-trash")));
  assert_int_equal(path_name(str("a/bc")).len, 2);
  assert_int_equal(path_name(str("abc")).len, 3);
}

static void test_patterns(void **state) {
  static const char *const cases[][2] = {{"", ""}, {"a", "*a*"}, {"*.c", "*.c"}, {"a?", "a?"}, {"[ab]", "[ab]"}};
  char pattern[PATH_BYTES], text[300];
  (void)state;
  for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_true(path_pattern(str(cases[i][0]), pattern));
    assert_string_equal(pattern, cases[i][1]);
  }
  memset(text, 'x', sizeof(text));
  assert_false(path_pattern(bp_str_make(text, 256), pattern));
}

static void test_base64(void **state) {
  static const char *const good[][2] = {{"", ""},           {"Zg==", "f"},         {"Zm8=", "fo"},         {"Zm9v", "foo"},
                                        {"Zm9vYg", "foob"}, {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}, {"+/+/", "\xfb\xff\xbf"}};
  static const char *const bad[] = {"Z", "Zm9vY", "Z===", "Zm=v", "=", "Zm9v\n", "Zm9-", "===="};
  char bytes[64];
  size_t len = 0;
  (void)state;
  for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    assert_true(base64_decode(str(good[i][0]), bytes, &len));
    assert_int_equal(len, strlen(good[i][1]));
    assert_memory_equal(bytes, good[i][1], len);
  }
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_false(base64_decode(str(bad[i]), bytes, &len));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paths), cmocka_unit_test(test_long_paths), cmocka_unit_test(test_joining),
      cmocka_unit_test(test_names), cmocka_unit_test(test_patterns),   cmocka_unit_test(test_base64),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
