/* Schemas: every keyword accepting and refusing, the wording of violations, and what does not compile. */
#include "unit.h"
#include "json/schema.h"

#include <stdio.h>
#include <string.h>

/* Violations as lines "pointer kind message". */
static void note(void *ctx, const struct schema_violation *v) {
  struct buf *out = ctx;
  assert_non_null(v->input);
  assert_non_null(v->keyword);
  buf_append_str(out, v->pointer);
  buf_append_char(out, ' ');
  buf_append_str(out, v->kind);
  buf_append_char(out, ' ');
  buf_append_str(out, v->message);
  buf_append_char(out, '\n');
}

static struct schema *compile(const char *text) {
  bp_error err = BP_ERROR_INIT;
  struct schema *schema = schema_compile(str_from(text), &err);
  if (!schema)
    fail_msg("%s: %s at %s", text, err.message, err.pointer);
  return schema;
}

static void check(const char *schema_text, const char *value_text, const char *expected) {
  struct buf out = {0};
  struct schema *schema = compile(schema_text);
  json_t *value = doc_parse(str_from(value_text), &doc_default_limits, NULL);
  assert_non_null(value);
  bool valid = schema_validate(schema, value, note, &out);
  buf_append_char(&out, '\0');
  assert_string_equal(out.data, expected);
  assert_int_equal(valid, expected[0] == '\0');
  assert_int_equal(schema_validate(schema, value, NULL, NULL), valid);
  buf_release(&out);
  json_decref(value);
  schema_free(schema);
}

static void test_every_keyword_accepts_and_refuses(void **state) {
  (void)state;
  static const struct {
    const char *schema, *good, *bad, *expected;
  } rows[] = {
      {"{\"type\":\"string\"}", "\"x\"", "1", " string_type Input should be a valid string\n"},
      {"{\"type\":\"integer\"}", "3", "\"3\"", " int_type Input should be a valid integer\n"},
      {"{\"type\":\"integer\"}", "3.0", "1.5", " int_from_float Input should be a valid integer, got a number with a fractional part\n"},
      {"{\"type\":\"number\"}", "3", "true", " float_type Input should be a valid number\n"},
      {"{\"type\":\"boolean\"}", "false", "0", " bool_type Input should be a valid boolean\n"},
      {"{\"type\":\"null\"}", "null", "0", " none_required Input should be None\n"},
      {"{\"type\":\"array\"}", "[]", "{}", " list_type Input should be a valid list\n"},
      {"{\"type\":\"object\"}", "{}", "[]", " dict_type Input should be a valid dictionary\n"},
      {"{\"type\":[\"string\",\"null\"]}", "null", "1", " string_type Input should be a valid string\n"},
      {"{\"type\":[\"string\",\"integer\",\"array\"]}", "[]", "{}", " string_type Input should be a valid string, integer or list\n"},
      {"{\"enum\":[\"a\",1,null]}", "1.0", "\"b\"", " literal_error Input should be 'a', 1 or null\n"},
      {"{\"const\":{\"a\":[1]}}", "{\"a\":[1]}", "{}", " literal_error Input should be {\"a\":[1]}\n"},
      {"{\"minimum\":1}", "1", "0", " greater_than_equal Input should be greater than or equal to 1\n"},
      {"{\"maximum\":9007199254740993}", "9007199254740993", "9007199254740994",
       " less_than_equal Input should be less than or equal to 9007199254740993\n"},
      {"{\"minLength\":1}", "\"\xC3\xBC\"", "\"\"", " string_too_short String should have at least 1 character\n"},
      {"{\"maxLength\":2}", "\"\xC3\xBC\xC3\xBC\"", "\"abc\"", " string_too_long String should have at most 2 characters\n"},
      {"{\"pattern\":\"^[a-z]+$\"}", "\"ab\"", "\"ab\\n\"", " string_pattern_mismatch String should match pattern '^[a-z]+$'\n"},
      {"{\"items\":{\"type\":\"string\"}}", "[\"a\"]", "[\"a\",1]", "/1 string_type Input should be a valid string\n"},
      {"{\"minItems\":1}", "[1]", "[]", " too_short List should have at least 1 item after validation, not 0\n"},
      {"{\"maxItems\":2}", "[1,2]", "[1,2,3]", " too_long List should have at most 2 items after validation, not 3\n"},
      {"{\"required\":[\"a\",\"b\"]}", "{\"a\":1,\"b\":2}", "{}", "/a missing Field required\n/b missing Field required\n"},
      {"{\"properties\":{\"a/b\":{\"type\":\"string\"}}}", "{\"x\":1}", "{\"a/b\":1}", "/a~1b string_type Input should be a valid string\n"},
      {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1}", "{\"a\":1,\"b\":2}",
       "/b extra_forbidden Extra inputs are not permitted\n"},
      {"{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"b\":1}", "{\"b\":\"x\"}", "/b int_type Input should be a valid integer\n"},
      {"{\"oneOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "7", "3", " one_of Input fits none of the allowed forms\n"},
      {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}", "1.5", "3", " one_of Input fits more than one of the allowed forms\n"},
      {"{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"type\":\"string\"}}}", "\"x\"", "1", " string_type Input should be a valid string\n"},
      {"{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}", "{\"next\":{\"next\":{}}}", "{\"next\":{\"next\":{\"x\":1}}}",
       "/next/next/x extra_forbidden Extra inputs are not permitted\n"},
      {"{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[1],\"deprecated\":true,\"format\":\"f\",\"type\":\"integer\"}", "1",
       "null", " int_type Input should be a valid integer\n"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    check(rows[i].schema, rows[i].good, "");
    check(rows[i].schema, rows[i].bad, rows[i].expected);
  }
}

static void test_all_violations_are_told_up_to_32(void **state) {
  (void)state;
  struct buf value = {0}, out = {0};
  struct schema *schema = compile("{\"items\":{\"type\":\"string\"}}");
  buf_append_char(&value, '[');
  for (int i = 0; i < 100; i++)
    buf_append_z(&value, i ? ",1" : "1");
  buf_append_char(&value, ']');
  json_t *array = doc_parse(buf_str(&value), &doc_default_limits, NULL);
  assert_false(schema_validate(schema, array, note, &out));
  size_t lines = 0;
  for (size_t i = 0; i < out.len; i++)
    lines += out.data[i] == '\n';
  assert_int_equal(lines, 32);
  json_decref(array);
  schema_free(schema);
  buf_release(&value);
  buf_release(&out);
  check("{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"minLength\":2}},\"required\":[\"a\",\"c\"]}", "{\"b\":\"x\"}",
        "/a missing Field required\n/b string_too_short String should have at least 2 characters\n/c missing Field required\n");
}

static void refuse(const char *text, const char *pointer, const char *message) {
  bp_error err = BP_ERROR_INIT;
  assert_null(schema_compile(str_from(text), &err));
  assert_string_equal(err.pointer, pointer);
  if (!strstr(err.message, message))
    fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, message);
}

static void test_what_is_outside_the_subset_does_not_compile(void **state) {
  (void)state;
  refuse("{\"properties\":{\"a\":{\"allOf\":[]}}}", "/properties/a/allOf", "unknown keyword \"allOf\"");
  refuse("{\"oneOf\":[{},{\"anyOf\":[]}]}", "/oneOf/1/anyOf", "unknown keyword \"anyOf\"");
  refuse("{\"items\":{\"$defs\":{}}}", "/items/$defs", "root only");
  refuse("{\"$defs\":{\"x\":{\"exclusiveMinimum\":1}}}", "/$defs/x/exclusiveMinimum", "unknown keyword");
  refuse("{\"type\":\"text\"}", "/type", "type must be");
  refuse("{\"type\":[]}", "/type", "type must be");
  refuse("{\"enum\":[]}", "/enum", "at least one");
  refuse("{\"required\":\"a\"}", "/required", "list of member names");
  refuse("{\"minLength\":-1}", "/minLength", "at least 0");
  refuse("{\"maximum\":\"9\"}", "/maximum", "number");
  refuse("{\"pattern\":\"(\"}", "/pattern", "does not compile");
  refuse("{\"properties\":[]}", "/properties", "object");
  refuse("{\"items\":[]}", "/items", "must be an object");
  refuse("{\"additionalProperties\":1}", "/additionalProperties", "must be an object");
  refuse("{\"oneOf\":[]}", "/oneOf", "at least one");
  refuse("{\"$ref\":\"#/$defs/none\"}", "", "leads nowhere");
  refuse("{\"$ref\":\"http://x\"}", "", "leads nowhere");
  refuse("{\"$ref\":\"#\"}", "", "back to itself");
  refuse("{\"oneOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"$ref\":\"#\"}}}", "", "back to itself");
  refuse("[]", "", "must be an object");
  refuse("{\"type\":", "8", "");
}

static void test_hostile_input_to_a_pattern_ends(void **state) {
  (void)state;
  check("{\"pattern\":\"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
        " string_pattern_mismatch String should match pattern '^(a+)+$'\n");
}

static void test_alternatives_in_alternatives_end(void **state) {
  (void)state;
  struct schema *schema = compile("{\"oneOf\":[{\"items\":{\"$ref\":\"#\"}},{\"items\":{\"$ref\":\"#\"}},{\"type\":\"string\"}]}");
  char text[64];
  memset(text, '[', 30);
  memset(text + 30, ']', 30);
  json_t *value = doc_parse(bp_str_make(text, 60), &doc_default_limits, NULL);
  assert_non_null(value);
  assert_false(schema_validate(schema, value, NULL, NULL));
  json_decref(value);
  schema_free(schema);
}

static void test_the_source_is_kept(void **state) {
  (void)state;
  struct schema *schema = compile("{\"title\":\"t\"}");
  assert_string_equal(json_string_value(json_object_get(schema_source(schema), "title")), "t");
  schema_free(schema);
  schema_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_keyword_accepts_and_refuses),
      cmocka_unit_test(test_all_violations_are_told_up_to_32),
      cmocka_unit_test(test_what_is_outside_the_subset_does_not_compile),
      cmocka_unit_test(test_hostile_input_to_a_pattern_ends),
      cmocka_unit_test(test_alternatives_in_alternatives_end),
      cmocka_unit_test(test_the_source_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
