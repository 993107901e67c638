/* Start scripts into words, as /bin/sh would split them where it needs to do nothing else, and refusals where it would. */
#include "../unit.h"

#include "../../../modules/deployments/script.c"

static void expect_words(const char *text, const char *const words[]) {
  struct script script;
  char message[400] = "";
  const char *fault = script_read(bp_str_make(text, strlen(text)), &script, message, sizeof(message));
  if (fault)
    fail_msg("\"%s\" was refused: %s", text, fault);
  unsigned count = 0;
  for (; words[count]; count++) {
    assert_true(count < script.count);
    assert_int_equal(script.words[count].len, strlen(words[count]));
    assert_memory_equal(script.words[count].ptr, words[count], script.words[count].len);
  }
  assert_int_equal(script.count, count);
  script_release(&script);
}

static void words_are_split(void **state) {
  (void)state;
  expect_words("node index.js", (const char *const[]){"node", "index.js", NULL});
  expect_words("  node \t a  ", (const char *const[]){"node", "a", NULL});
  expect_words("node 'a b' \"c d\" e\\ f", (const char *const[]){"node", "a b", "c d", "e f", NULL});
  expect_words("node \"\" ''", (const char *const[]){"node", "", "", NULL});
  expect_words("node a'b'\"c\"d", (const char *const[]){"node", "abcd", NULL});
  expect_words("node '$HOME' '*' \"it's\"", (const char *const[]){"node", "$HOME", "*", "it's", NULL});
  expect_words("node --port=1 a=b", (const char *const[]){"node", "--port=1", "a=b", NULL});
  expect_words("./=x y", (const char *const[]){"./=x", "y", NULL});
  expect_words("node a~b", (const char *const[]){"node", "a~b", NULL});
}

static void npm_and_nothing_have_their_own(void **state) {
  struct script script;
  char message[400];
  (void)state;
  expect_words("npm run build && node x", (const char *const[]){"npm", "start", NULL});
  expect_words("pnpm dev", (const char *const[]){"npm", "start", NULL});
  assert_null(script_read(bp_str_make(NULL, 0), &script, message, sizeof(message)));
  assert_true(script_is_node_file(&script));
  assert_memory_equal(script.words[1].ptr, "index.js", 8);
  script_release(&script);
}

static void what_needs_a_shell_is_refused(void **state) {
  static const char *const scripts[] = {
      "a && b", "a | b", "a; b",  "a > b", "a < b", "a $HOME", "a \"$HOME\"", "a `b`",       "a \"`b`\"", "a *",
      "a b?",   "a [b]", "a # b", "(a)",   "a &",   "a ~/b",   "X=1 node",    "A_b=c node",  "a 'b",      "a \"b",
      "",       "   ",   "a\nb",  "a\rb",  "a !b",  "$(a)",    "a $(b)",      "node a\tb;c",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    struct script script;
    char message[400] = "";
    if (!script_read(bp_str_make(scripts[i], strlen(scripts[i])), &script, message, sizeof(message)))
      fail_msg("\"%s\" was taken", scripts[i]);
    assert_non_null(strstr(message, "needs a shell"));
    script_release(&script);
  }
}

static void too_much_is_refused(void **state) {
  struct script script;
  char message[400];
  char text[SCRIPT_BYTES_MOST + 2];
  (void)state;
  memset(text, 'a', sizeof(text));
  assert_non_null(script_read(bp_str_make(text, sizeof(text) - 1), &script, message, sizeof(message)));
  script_release(&script);
  for (size_t i = 0; i < sizeof(text); i++)
    text[i] = i % 2 ? ' ' : 'a';
  assert_non_null(script_read(bp_str_make(text, 2 * SCRIPT_ARGUMENTS_MOST + 1), &script, message, sizeof(message)));
  script_release(&script);
  assert_null(script_read(bp_str_make(text, 2 * SCRIPT_ARGUMENTS_MOST), &script, message, sizeof(message)));
  script_release(&script);
}

static void only_node_with_a_file_makes_a_cluster(void **state) {
  static const struct {
    const char *text;
    bool is_node_file;
  } cases[] = {{"node a.js", true}, {"node a.js b", true}, {"node", false}, {"node -r x a.js", false}, {"nodemon a.js", false}, {"npm start", false}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct script script;
    char message[400];
    assert_null(script_read(bp_str_make(cases[i].text, strlen(cases[i].text)), &script, message, sizeof(message)));
    assert_int_equal(script_is_node_file(&script), cases[i].is_node_file);
    script_release(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_split),     cmocka_unit_test(npm_and_nothing_have_their_own),        cmocka_unit_test(what_needs_a_shell_is_refused),
      cmocka_unit_test(too_much_is_refused), cmocka_unit_test(only_node_with_a_file_makes_a_cluster),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
