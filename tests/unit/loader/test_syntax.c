/* The spelling of ids, versions, interface names and words. */
#include "unit.h"

#include "loader/syntax.h"

struct sample {
  const char *text;
  bool is_fine;
};

static void check(bool (*is)(bp_str), const struct sample *samples, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (is(str_from(samples[i].text)) != samples[i].is_fine)
      fail_msg("\"%s\" must be %s", samples[i].text, samples[i].is_fine ? "fine" : "refused");
}
#define CHECK(is, samples) check((is), (samples), sizeof(samples) / sizeof((samples)[0]))

static void test_plugin_ids(void **state) {
  static const struct sample samples[] = {{"git", true},   {"acp-gateway", true}, {"org.example.git-2", true},
                                          {"", false},     {".a", false},         {"a.", false},
                                          {"a..b", false}, {"A", false},          {"a_b", false},
                                          {"1a", false},   {"a.1b", false},       {"a\n", false},
                                          {"-a", false},   {"a/b", false},        {"..", false},
                                          {"a.b-", true}};
  (void)state;
  CHECK(syntax_is_plugin_id, samples);
}

static void test_plugin_id_length(void **state) {
  char text[65];
  (void)state;
  for (unsigned i = 0; i < sizeof(text); i++)
    text[i] = 'a';
  assert_true(syntax_is_plugin_id(bp_str_make(text, 64)));
  assert_false(syntax_is_plugin_id(bp_str_make(text, 65)));
}

static void test_versions(void **state) {
  static const struct sample samples[] = {
      {"1.0.0", true},   {"0.0.0", true},    {"10.20.30", true}, {"1.0.0-rc.1", true}, {"1.0.0-rc+b.5", true},   {"1.0.0+b", true},
      {"1.0", false},    {"1.0.0.0", false}, {"01.0.0", false},  {"1.0.0-", false},    {"1.0.0+", false},        {"1.0.0-a..b", false},
      {"v1.0.0", false}, {"", false},        {"1.0.0 ", false},  {"1..0", false},      {"9999999999.0.0", false}};
  (void)state;
  CHECK(syntax_is_version, samples);
}

static void test_interfaces(void **state) {
  static const struct sample samples[] = {{"bp.http/1", true},    {"org.example.x/12", true}, {"bp.http", false},
                                          {"bp.http/", false},    {"bp.http/01", false},      {"/1", false},
                                          {"bp.http/1/2", false}, {"bp.http/a", false},       {"bp.http/1 ", false}};
  (void)state;
  CHECK(syntax_is_interface, samples);
}

static void test_words_and_topics(void **state) {
  static const struct sample words[] = {{"retention_days", true}, {"a1", true}, {"a-b", false}, {"a.b", false}, {"_a", false}, {"", false}};
  static const struct sample topics[] = {{"git.done", true}, {"git.run_done", true}, {"git", true},
                                         {"git.", false},    {"git..x", false},      {"git.*", false}};
  (void)state;
  CHECK(syntax_is_word, words);
  CHECK(syntax_is_topic, topics);
}

static void test_reserved(void **state) {
  static const struct sample samples[] = {{"bp", true}, {"bp.x", true}, {"bpx", false}, {"x.bp", false}};
  (void)state;
  CHECK(syntax_is_reserved_id, samples);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plugin_ids), cmocka_unit_test(test_plugin_id_length), cmocka_unit_test(test_versions),
      cmocka_unit_test(test_interfaces), cmocka_unit_test(test_words_and_topics), cmocka_unit_test(test_reserved),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
