/* doc_parse and doc_write: what is refused and where, and that what is read is written the same. */
#include "unit.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse_at(bp_str text, const char *pointer, const char *part) {
  bp_error err = BP_ERROR_INIT;
  assert_null(doc_parse(text, &doc_default_limits, &err));
  assert_int_equal(err.code, BP_E_PARSE);
  assert_string_equal(err.pointer, pointer);
  if (!strstr(err.message, part))
    fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void same(const char *text, const char *expected) {
  struct buf out = {0};
  bp_error err = BP_ERROR_INIT;
  json_t *value = doc_parse(str_from(text), &doc_default_limits, &err);
  if (!value)
    fail_msg("%s: %s", text, err.message);
  doc_write(&out, value);
  buf_append_char(&out, '\0');
  assert_string_equal(out.data, expected);
  buf_release(&out);
  json_decref(value);
}

/* `count` times `open`, a value, `count` times `close`. */
static char *nested(unsigned count, const char *open, const char *value, const char *close) {
  struct buf out = {0};
  for (unsigned i = 0; i < count; i++)
    buf_append_z(&out, open);
  buf_append_z(&out, value);
  for (unsigned i = 0; i < count; i++)
    buf_append_z(&out, close);
  buf_append_char(&out, '\0');
  return out.data;
}

static void test_any_value_may_be_the_top(void **state) {
  (void)state;
  same("null", "null");
  same(" true\n", "true");
  same("-0", "0");
  same("\"x\"", "\"x\"");
  same("[1 , 2]", "[1,2]");
}

static void test_errors_say_what_and_where(void **state) {
  (void)state;
  refuse_at(BP_LIT(""), "0", "expecting a value");
  refuse_at(BP_LIT("  "), "0", "expecting a value");
  refuse_at(BP_LIT("\xEF\xBB\xBF{}"), "0", "byte order mark");
  refuse_at(BP_LIT("{\"a\":\"\xFF\"}"), "6", "invalid UTF-8");
  refuse_at(BP_LIT("{\"\xC3\xBC\":\"\xE2\x82\"}"), "7", "invalid UTF-8");
  refuse_at(BP_LIT("{\"a\":1} x"), "9", "extra data");
  refuse_at(BP_LIT("{\"a\":1"), "6", "expected");
  refuse_at(BP_LIT("{\"a\" 1}"), "6", "':' expected");
  refuse_at(BP_LIT("{\"a\":\"b\\u0000c\"}"), "15", "NUL");
  refuse_at(BP_LIT("{\"a\":1,\"\\u0061\":2}"), "15", "duplicate object key");
  refuse_at(BP_LIT("9223372036854775808"), "19", "too big integer");
  refuse_at(BP_LIT("-9223372036854775809"), "20", "too big negative integer");
  refuse_at(BP_LIT("1e999"), "5", "real number overflow");
}

static void test_error_may_be_absent(void **state) {
  (void)state;
  assert_null(doc_parse(BP_LIT("{"), &doc_default_limits, NULL));
}

static void test_depth_is_limited(void **state) {
  (void)state;
  char *deepest = nested(64, "[", "", "]"), *deeper = nested(65, "[", "", "]"), *objects = nested(65, "{\"a\":", "1", "}");
  same(deepest, deepest);
  refuse_at(str_from(deeper), "64", "too deep");
  refuse_at(str_from(objects), "320", "too deep");
  free(deepest);
  free(deeper);
  free(objects);
}

static void test_a_million_brackets_cost_no_stack(void **state) {
  (void)state;
  char *many = nested(1000000, "[", "", "");
  refuse_at(str_from(many), "64", "too deep");
  free(many);
}

static void test_brackets_in_strings_do_not_count(void **state) {
  (void)state;
  char *brackets = nested(100, "[{", "", "::");
  struct buf text = {0};
  buf_append_z(&text, "[\"\\\"");
  buf_append_z(&text, brackets);
  buf_append_z(&text, "\"]");
  buf_append_char(&text, '\0');
  same(text.data, text.data);
  buf_release(&text);
  free(brackets);
}

static void test_members_are_limited(void **state) {
  (void)state;
  const struct doc_limits two = {.depth = 64, .keys = 2};
  bp_error err = BP_ERROR_INIT;
  json_t *value = doc_parse(BP_LIT("{\"a\":{\"x\":1,\"y\":2},\"b\":{\"x\":1,\"y\":2}}"), &two, &err);
  assert_non_null(value);
  json_decref(value);
  assert_null(doc_parse(BP_LIT("{\"a\":1,\"b\":2,\"c\":3}"), &two, &err));
  assert_non_null(strstr(err.message, "too many keys"));
  assert_string_equal(err.pointer, "16");
}

static void test_written_text_reads_back_the_same(void **state) {
  (void)state;
  same("[-9223372036854775808,9223372036854775807]", "[-9223372036854775808,9223372036854775807]");
  same("[0.1,1.0,1e300,123456789.123456789,5e-324]", "[0.1,1.0,1e+300,123456789.12345679,4.94065645841247e-324]");
  same("\"\\u0001\\u001f\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\\u007f\"", "\"\\u0001\\u001f\\\"\\\\/\\b\\f\\n\\r\\t\xC3\xBC\x7F\"");
  same("{\"b\":[],\"a\":{},\"c\":[{\"d\":null}]}", "{\"b\":[],\"a\":{},\"c\":[{\"d\":null}]}");
  same("\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"");
}

/* What a string of one special byte among others must look like, byte by byte. */
static void check_escape(unsigned char byte, size_t at, size_t len) {
  static const char *const letters[32] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
  char text[32], special[8];
  struct buf out = {0}, expected = {0};
  memset(text, 'a' + (int)(at % 3), len);
  text[at] = (char)byte;
  if (byte == '"' || byte == '\\')
    snprintf(special, sizeof(special), "\\%c", byte);
  else if (byte < 0x20 && letters[byte])
    snprintf(special, sizeof(special), "%s", letters[byte]);
  else if (byte < 0x20)
    snprintf(special, sizeof(special), "\\u%04x", byte);
  else
    snprintf(special, sizeof(special), "%c", byte);
  buf_printf(&expected, "\"%.*s", (int)at, text);
  buf_append_z(&expected, special);
  buf_printf(&expected, "%.*s\"", (int)(len - at - 1), text + at + 1);
  doc_write_string(&out, bp_str_make(text, len));
  assert_int_equal(out.len, expected.len);
  assert_memory_equal(out.data, expected.data, expected.len);
  buf_release(&out);
  buf_release(&expected);
}

static void test_escapes_are_found_wherever_they_stand(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++)
    for (size_t len = 1; len <= 18; len++)
      for (size_t at = 0; at < len && byte; at++)
        check_escape((unsigned char)byte, at, len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_value_may_be_the_top),
      cmocka_unit_test(test_errors_say_what_and_where),
      cmocka_unit_test(test_error_may_be_absent),
      cmocka_unit_test(test_depth_is_limited),
      cmocka_unit_test(test_a_million_brackets_cost_no_stack),
      cmocka_unit_test(test_brackets_in_strings_do_not_count),
      cmocka_unit_test(test_members_are_limited),
      cmocka_unit_test(test_written_text_reads_back_the_same),
      cmocka_unit_test(test_escapes_are_found_wherever_they_stand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
