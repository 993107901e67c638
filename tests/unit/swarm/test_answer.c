/* The swarm's reading of todos: as a rule gives them, and in an answer of the Messages API. */
#include "../../../modules/kit/kit.c"
#include "../../../modules/swarm/answer.c"
#include "loader/tables.h"
#include "unit.h"

static struct swarm swarm = {.self = 7, .json = &json_table};

/* The descriptions, joined. */
static const char *read_answer(const char *body, bool *ret_is_truncated) {
  static char text[65536];
  struct kit_text descriptions[TODOS_MOST];
  *ret_is_truncated = false;
  uint32_t count = answer_read(&swarm, str_z(body), descriptions, ret_is_truncated);
  text[0] = '\0';
  for (uint32_t i = 0; i < count; i++) {
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s|", descriptions[i].ptr);
    kit_text_free(&descriptions[i]);
  }
  return text;
}

#define TEXT(words) "{\"stop_reason\":\"end_turn\",\"content\":[{\"type\":\"text\",\"text\":\"" words "\"}]}"
#define AB "{\\\"todos\\\":[{\\\"description\\\":\\\"a\\\"},{\\\"description\\\":\\\" b \\\"}]}"

static void test_texts(void **state) {
  static const char *const bodies[] = {
      TEXT(AB),
      TEXT("```json\\n" AB "\\n```"),
      TEXT("```\\n" AB "```"),
      TEXT("Here: " AB " That is all."),
      TEXT("[\\\"a\\\",\\\"b\\\"]"),
      TEXT("```json\\n[{\\\"description\\\":\\\"a\\\"},\\\"b\\\",{\\\"description\\\":\\\"  \\\"},5,null]\\n```"),
      "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"},{\"type\":\"text\",\"text\":\"" AB "\"}]}",
      "{\"content\":[{\"type\":\"text\",\"text\":\"no\"},{\"type\":\"tool_use\",\"input\":{\"todos\":[\"a\",\"b\"]}}]}",
      "{\"content\":[{\"type\":\"tool_use\",\"input\":{}},{\"type\":\"text\",\"text\":\"" AB "\"}]}",
  };
  bool is_truncated;
  (void)state;
  for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
    assert_string_equal(read_answer(bodies[i], &is_truncated), "a|b|");
}

static void test_useless(void **state) {
  static const char *const bodies[] = {
      "",
      "{",
      "5",
      "[]",
      "{}",
      "{\"content\":null}",
      "{\"content\":5}",
      "{\"content\":[5,null,[],{}]}",
      "{\"content\":[{\"type\":\"text\"}]}",
      "{\"content\":[{\"type\":\"text\",\"text\":5}]}",
      TEXT(""),
      TEXT("}{"),
      TEXT("]["),
      TEXT("sorry"),
      TEXT("{\\\"todos\\\":5}"),
      TEXT("{\\\"todos\\\":[]}"),
      TEXT("{\\\"todos\\\":[{},{\\\"description\\\":7}]}"),
      "{\"content\":[{\"type\":\"tool_use\"}]}",
      "{\"content\":[{\"type\":\"tool_use\",\"input\":\"todos\"}]}",
  };
  bool is_truncated;
  (void)state;
  for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
    assert_string_equal(read_answer(bodies[i], &is_truncated), "");
}

static void test_cut_off(void **state) {
  bool is_truncated;
  (void)state;
  read_answer("{\"stop_reason\":\"max_tokens\",\"content\":[{\"type\":\"text\",\"text\":\"{\"}]}", &is_truncated);
  assert_true(is_truncated);
  read_answer(TEXT(AB), &is_truncated);
  assert_false(is_truncated);
}

static void test_too_many(void **state) {
  char body[8192] = "{\"content\":[{\"type\":\"tool_use\",\"input\":[\"x\"";
  struct kit_text descriptions[TODOS_MOST];
  bool is_truncated = false;
  (void)state;
  for (int i = 0; i < 200; i++)
    snprintf(body + strlen(body), sizeof(body) - strlen(body), ",\"x\"");
  snprintf(body + strlen(body), sizeof(body) - strlen(body), "]}]}");
  assert_int_equal(answer_read(&swarm, str_z(body), descriptions, &is_truncated), TODOS_MOST);
  for (uint32_t i = 0; i < TODOS_MOST; i++)
    kit_text_free(&descriptions[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_useless),
      cmocka_unit_test(test_cut_off),
      cmocka_unit_test(test_too_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
