/* The agents module's pure parts: MCP servers between list, map and file; JSON as the tools' people read it. */
#include "../../../modules/agents/mcp.c"
#include "../../../modules/agents/pretty.c"
#include "../../../modules/kit/kit.c"
#include "loader/tables.h"
#include "unit.h"

static const bp_plugin self = 7;

void bytes_free(struct bytes *bytes) {
  free(bytes->ptr);
  *bytes = (struct bytes){NULL, 0};
}

bool bytes_copy(struct bytes *ret, bp_str from) {
  free(ret->ptr);
  ret->ptr = malloc(from.len + 1);
  if (from.len)
    memcpy(ret->ptr, from.ptr, from.len);
  ret->ptr[from.len] = '\0';
  ret->len = from.len;
  return ret->ptr != NULL;
}

static bp_json parse(const char *text) {
  bp_json root = 0;
  if (text)
    assert_int_equal(json_table.parse(self, bp_str_make(text, strlen(text)), &root, NULL), BP_OK);
  return root;
}

static void release(bp_json root) {
  if (root)
    json_table.release(self, root);
}

struct merge {
  const char *wanted, *file, *parked, *known;
  const char *ret_file, *ret_names, *ret_parked;
};

static void check(const struct merge *m) {
  struct mcp_input input = {.wanted = parse(m->wanted), .file = parse(m->file), .parked = parse(m->parked), .known = parse(m->known)};
  struct mcp_output output = {0};
  assert_true(mcp_merge(&json_table, self, &input, &output));
  if (m->ret_file)
    assert_string_equal(output.file.ptr, m->ret_file);
  else
    assert_null(output.file.ptr);
  assert_string_equal(output.names.ptr, m->ret_names);
  assert_string_equal(output.parked.ptr, m->ret_parked);
  mcp_release(&output);
  release(input.wanted);
  release(input.file);
  release(input.parked);
  release(input.known);
}

#define A "\"a\":{\"command\":\"x\",\"env\":{\"K\":\"v\"}}"
#define B "\"b\":{\"url\":\"http://h/\"}"

static void test_merging(void **state) {
  (void)state;
  const struct merge cases[] = {
      {"[]", NULL, NULL, NULL, NULL, "[]", "{}"},
      {"[\"a\"]", NULL, NULL, NULL, NULL, "[\"a\"]", "{}"},
      {"[\"a\"]", NULL, NULL, "{" A "}", "{\"mcpServers\":{" A "}}", "[]", "{}"},
      {"[\"a\",\"c\",\"a\"]", "{\"mcpServers\":{" A "," B "}}", NULL, NULL, "{\"mcpServers\":{" A "}}", "[\"c\"]", "{" B "}"},
      {"[\"b\"]", "{\"mcpServers\":{" A "}}", "{" B "}", NULL, "{\"mcpServers\":{" B "}}", "[]", "{" A "}"},
      {"[]", "{\"mcpServers\":{" A "},\"inputs\":[]}", NULL, NULL, "{\"mcpServers\":{},\"inputs\":[]}", "[]", "{" A "}"},
      {"{" B ",\"a\":null}", "{\"mcpServers\":{" A "}}", NULL, NULL, "{\"mcpServers\":{" B "," A "}}", "[]", "{}"},
      {"{\"a\":{\"command\":\"new\"}}", "{\"mcpServers\":{" A "}}", NULL, NULL, "{\"mcpServers\":{\"a\":{\"command\":\"new\"}}}", "[]", "{}"},
      {"{\"a\":{}}", "{\"mcpServers\":{" A "}}", NULL, NULL, "{\"mcpServers\":{" A "}}", "[]", "{}"},
      {"{\"z\":null}", "{\"mcpServers\":[]}", "{\"y\":1}", NULL, NULL, "[\"z\"]", "{}"},
  };
  for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    check(&cases[i]);
}

static void test_what_is_refused(void **state) {
  (void)state;
  static const char *const good[] = {"[]", "{}", "[\"a b\"]", "{\"a\":null}", "{\"a\":{}}", "{\"a\":{\"command\":\"x\"}}", "{\"a\":{\"url\":\"x\"}}"};
  static const char *const bad[] = {
      "[1]", "[\"\"]", "[\"a\\nb\"]", "{\"\":null}", "{\"a\":1}", "{\"a\":[]}", "{\"a\":{\"command\":\"\"}}", "{\"a\":{\"args\":[]}}"};
  for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    bp_json value = parse(good[i]);
    assert_null(mcp_check(&json_table, value));
    release(value);
  }
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    bp_json value = parse(bad[i]);
    assert_non_null(mcp_check(&json_table, value));
    release(value);
  }
}

static void test_pretty(void **state) {
  static const char *const cases[][2] = {
      {"{}", "{}\n"},
      {"[]", "[]\n"},
      {"{\"a\":1}", "{\n  \"a\": 1\n}\n"},
      {"{\"a\":[1,{\"b\":{}}],\"c\":\"x,:{}[]\\\"\\\\\"}",
       "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": \"x,:{}[]\\\"\\\\\"\n}\n"},
      {"\"ü\"", "\"ü\"\n"},
  };
  (void)state;
  for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    size_t len = 0;
    char *text = pretty_json(bp_str_make(cases[i][0], strlen(cases[i][0])), &len);
    assert_string_equal(text, cases[i][1]);
    assert_int_equal(len, strlen(text));
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_merging), cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_pretty)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
