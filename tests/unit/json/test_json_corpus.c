/* The shared corpus of JSON bodies against the schema of POST /agents: every row ends in the class it expects. */
#include "unit.h"
#include "json/schema.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_BYTES (4u << 20)

static const char agents_schema[] =
    "{\"type\":\"object\",\"required\":[\"name\",\"description\",\"system_prompt\"],\"properties\":{"
    "\"name\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?\\\\z\"},"
    "\"description\":{\"type\":\"string\",\"minLength\":1},\"system_prompt\":{\"type\":\"string\",\"minLength\":1},"
    "\"env\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},\"args\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}}}";

static FILE *open_corpus(void) {
  char path[512];
  const char *shared = getenv("BACKPLANE_SHARED");
  snprintf(path, sizeof(path), "%s/attack-corpus/json-bodies.jsonl", shared ? shared : TEST_SOURCE_DIR "/../shared");
  FILE *file = fopen(path, "re");
  if (!file)
    print_message("skipped: no corpus at %s (set BACKPLANE_SHARED)\n", path);
  return file;
}

static bool is_accepted(const struct schema *schema, bp_str body) {
  json_t *value = doc_parse(body, &doc_default_limits, NULL);
  bool accepted = value && schema_validate(schema, value, NULL, NULL);
  json_decref(value);
  return accepted;
}

/* Rows are read with jansson itself: they quote what doc_parse refuses. */
static void run_row(const struct schema *schema, const char *line, unsigned char *body) {
  size_t len = 0;
  json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
  assert_non_null(row);
  const char *encoded = json_string_value(json_object_get(row, "body_b64"));
  const char *expected = json_string_value(json_object_get(row, "expect"));
  assert_int_equal(sodium_base642bin(body, ROW_BYTES, encoded, strlen(encoded), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
  bool accepted = is_accepted(schema, bp_str_make((const char *)body, len));
  if (accepted != (strcmp(expected, "accept") == 0))
    fail_msg("%s (%s): expected %s", json_string_value(json_object_get(row, "id")), json_string_value(json_object_get(row, "why")), expected);
  json_decref(row);
}

static void test_every_row_ends_in_its_class(void **state) {
  (void)state;
  char *line = NULL;
  size_t room = 0, rows = 0;
  FILE *corpus = open_corpus();
  if (!corpus)
    skip();
  struct schema *schema = schema_compile(str_from(agents_schema), NULL);
  unsigned char *body = malloc(ROW_BYTES);
  assert_non_null(schema);
  assert_non_null(body);
  for (; getline(&line, &room, corpus) > 0; rows++)
    run_row(schema, line, body);
  assert_true(rows > 0);
  free(line);
  free(body);
  schema_free(schema);
  fclose(corpus);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_row_ends_in_its_class)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
