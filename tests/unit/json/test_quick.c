/* quick_read: what it reads is what the library reads; what it leaves, it leaves whole. */
#include "base/str.h"
#include "unit.h"
#include "json/quick.h"

#include <stdlib.h>
#include <string.h>

static const struct doc_limits limits = {.depth = 4, .keys = 3};

/* Read here, and as the library has it: the same text comes out of both. */
static void reads(const char *text) {
  struct buf ours = {0}, theirs = {0};
  json_t *quick = quick_read(str_from(text), &limits);
  json_t *judged = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
  if (!quick || !judged)
    fail_msg("%s: %s reader refuses it", text, quick ? "the library's" : "the quick");
  doc_write(&ours, quick);
  doc_write(&theirs, judged);
  assert_int_equal(ours.len, theirs.len);
  assert_memory_equal(ours.data, theirs.data, ours.len);
  buf_release(&ours);
  buf_release(&theirs);
  json_decref(quick);
  json_decref(judged);
}

static void leaves(bp_str text) {
  json_t *quick = quick_read(text, &limits);
  if (quick)
    fail_msg("%.*s is read", (int)text.len, text.ptr);
}

static void test_values_are_read_as_the_library_reads_them(void **state) {
  (void)state;
  static const char *const texts[] = {
      "null",
      " true ",
      "false\n",
      "0",
      "-0",
      "-0.0",
      "12",
      "-7",
      "999999999999999999",
      "-999999999999999999",
      "1.5",
      "-1.25e3",
      "1E+2",
      "1e-2",
      "5e-324",
      "1e-400",
      "0.1",
      "\"\"",
      "\"a\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
      "\"x\\u0041y\\u00e9\\u20AC\\uD83D\\ude00z\"",
      "\"\xC3\xA4 \x7F\"",
      "[]",
      "[ ]",
      "[1,[2,[3,[4]]]]",
      "{}",
      "{ \"a\" : 1 , \"b\" : [ true , null ] , \"\" : { \"x\\n\" : \"\" } }",
      "{\"b\":1,\"a\":2,\"\\u0063\":3}",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    reads(texts[i]);
}

/* Some of these the library takes, such as a longer integer; most it refuses. */
static void test_what_is_doubtful_is_left(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      " ",
      "nul",
      "True",
      "01",
      "-",
      "+1",
      ".5",
      "1.",
      "1e",
      "1e+",
      "1e999",
      "1000000000000000000",
      "9223372036854775808",
      "0x1",
      "NaN",
      "\"",
      "\"a",
      "\"\\",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u123g\"",
      "\"\\u0000\"",
      "\"\\ud800\"",
      "\"\\ud800x\"",
      "\"\\ud800\\n\"",
      "\"\\ud800\\u0041\"",
      "\"\\udc00\"",
      "\"\n\"",
      "\"\\n\n\"",
      "[",
      "[1",
      "[1,",
      "[1,]",
      "[,1]",
      "[1 2]",
      "]",
      "{",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":1",
      "{\"a\":1,",
      "{\"a\":1,}",
      "{a:1}",
      "{1:1}",
      "{\"a\" 1}",
      "{\"a\":1 \"b\":2}",
      "1 2",
      "{} x",
      "/**/1",
      "{\"a\":1,\"a\":2}",
      "{\"a\":1,\"\\u0061\":2}",
      "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}",
      "[[[[[1]]]]]",
      "{\"a\":[{\"b\":[{}]}]}",
      "\xEF\xBB\xBF{}",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    leaves(str_from(texts[i]));
  leaves(BP_LIT("1\0"));
  leaves(BP_LIT("\"a\0b\""));
}

static void test_every_cut_of_a_text_is_left(void **state) {
  (void)state;
  static const char text[] = "{\"a\":[1,-2.5e1,\"x\\u00e9\\ud83d\\ude00\\n\"],\"b\":{\"c\":null}}";
  reads(text);
  for (size_t len = 0; len + 1 < sizeof(text) - 1; len++) {
    char *cut = malloc(len ? len : 1); /* of its own, so that a byte too far is seen */
    assert_non_null(cut);
    memcpy(cut, text, len);
    leaves(bp_str_make(cut, len));
    free(cut);
  }
}

static void test_a_long_number_or_escaped_key_is_left_to_the_library(void **state) {
  (void)state;
  char number[80] = "1.", key[96] = "{\"\\n";
  memset(number + 2, '3', 70);
  memset(key + 4, 'k', 70);
  memcpy(key + 74, "\":1}", sizeof("\":1}"));
  leaves(str_from(number));
  leaves(str_from(key));
  bp_error err = BP_ERROR_INIT;
  for (int i = 0; i < 2; i++) {
    json_t *value = doc_parse(str_from(i == 0 ? number : key), &limits, &err);
    assert_non_null(value);
    json_decref(value);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_are_read_as_the_library_reads_them),
      cmocka_unit_test(test_what_is_doubtful_is_left),
      cmocka_unit_test(test_every_cut_of_a_text_is_left),
      cmocka_unit_test(test_a_long_number_or_escaped_key_is_left_to_the_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
