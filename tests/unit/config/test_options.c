/* Options of a module against its declarations, and how the module reads them through bp.config/1. */
#include "base/str.h"
#include "config/config.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define OPTION(option_name, option_type, default_text)                                                                                               \
  .size = sizeof(bp_option), .type = (option_type), .name = BP_STR(option_name), .def = BP_STR(default_text)

static const bp_option options[] = {
    {OPTION("retention_days", BP_OPTION_INTEGER, "7"), .doc = BP_STR("Older ones go."), .minimum = 0, .maximum = 365},
    {OPTION("title", BP_OPTION_STRING, "\"none\""), .maximum = 5},
    {OPTION("is_open", BP_OPTION_BOOLEAN, "false")},
    {OPTION("ratio", BP_OPTION_REAL, "0.5")},
    {OPTION("names", BP_OPTION_STRING_LIST, "[]")},
    {OPTION("roots", BP_OPTION_STRING_MAP, "{}")},
    {OPTION("rules", BP_OPTION_JSON, "null")},
    {OPTION("api_key", BP_OPTION_STRING, "\"\""), .is_secret = 1, .maximum = 4},
};
static const bp_array declared = BP_ARRAY(options);

static struct config_module written(const char *text) {
  struct config_module module = {.id = (char *)(uintptr_t) "thing", .file = (char *)(uintptr_t) "x.lua", .line = 3};
  module.options = json_loads(text, 0, NULL);
  module.lines = json_pack("{s:i}", "retention_days", 4);
  assert_non_null(module.options);
  return module;
}

static void release(struct config_module *module) {
  json_decref(module->options);
  json_decref(module->lines);
}

static void takes(const char *text, const char *expected) {
  struct config_errors errors = {0};
  struct config_module module = written(text);
  json_t *checked = NULL;
  if (!config_check_options(&module, &declared, &checked, &errors))
    fail_msg("%s: %s", text, errors.items[0].message);
  char *dump = json_dumps(checked, JSON_COMPACT);
  assert_string_equal(dump, expected);
  free(dump);
  json_decref(checked);
  release(&module);
}

static void refuse(const char *text, int line, const char *message) {
  struct config_errors errors = {0};
  struct config_module module = written(text);
  json_t *untouched = NULL;
  assert_false(config_check_options(&module, &declared, &untouched, &errors));
  assert_null(untouched);
  assert_int_equal(errors.count, 1);
  assert_string_equal(errors.items[0].message, message);
  assert_int_equal(errors.items[0].line, line);
  release(&module);
}

static void test_what_is_not_written_is_the_default(void **state) {
  (void)state;
  takes("{}", "{\"retention_days\":7,\"title\":\"none\",\"is_open\":false,\"ratio\":0.5,\"names\":[],\"roots\":{},\"rules\":null,\"api_key\":\"\"}");
}

static void test_values_take_the_declared_type(void **state) {
  (void)state;
  takes("{\"retention_days\":8.0,\"ratio\":2,\"names\":{},\"roots\":{\"a\":\"b\"},\"rules\":{\"x\":[1]},\"is_open\":true}",
        "{\"retention_days\":8,\"title\":\"none\",\"is_open\":true,\"ratio\":2.0,\"names\":[],\"roots\":{\"a\":\"b\"},\"rules\":{\"x\":[1]},"
        "\"api_key\":\"\"}");
}

static void test_errors_name_option_line_and_fix(void **state) {
  (void)state;
  refuse("{\"retention_day\":1}", 3, "unknown option \"retention_day\" of module \"thing\", did you mean \"retention_days\"?");
  refuse("{\"zebra\":1}", 3, "unknown option \"zebra\" of module \"thing\"");
  refuse("{\"retention_days\":\"7\"}", 4, "option \"retention_days\" of module \"thing\" must be a whole number");
  refuse("{\"retention_days\":366}", 4, "option \"retention_days\" of module \"thing\" must be between 0 and 365");
  refuse("{\"title\":\"too long\"}", 3, "option \"title\" of module \"thing\" must have at most 5 bytes");
  refuse("{\"is_open\":1}", 3, "option \"is_open\" of module \"thing\" must be true or false");
  refuse("{\"ratio\":\"x\"}", 3, "option \"ratio\" of module \"thing\" must be a number");
  refuse("{\"names\":[\"a\",1]}", 3, "option \"names\" of module \"thing\" must be a list of texts");
  refuse("{\"roots\":[\"a\"]}", 3, "option \"roots\" of module \"thing\" must be a table of names and texts");
  refuse("{\"api_key\":\"hunter2\"}", 3, "option \"api_key\" of module \"thing\" must have at most 4 bytes");
}

static void test_all_errors_of_a_module_are_told(void **state) {
  (void)state;
  struct config_errors errors = {0};
  struct config_module module = written("{\"a\":1,\"title\":2,\"ratio\":true}");
  json_t *checked = NULL;
  assert_false(config_check_options(&module, &declared, &checked, &errors));
  assert_int_equal(errors.count, 3);
  release(&module);
}

static void test_a_required_option_and_a_broken_default_are_told(void **state) {
  (void)state;
  static const bp_option strange[] = {
      {OPTION("root", BP_OPTION_STRING, ""), .doc = BP_STR("The folder.")},
      {OPTION("days", BP_OPTION_INTEGER, "\"x\"")},
  };
  const bp_array few = BP_ARRAY(strange);
  struct config_errors errors = {0};
  struct config_module module = written("{}");
  json_t *checked = NULL;
  assert_false(config_check_options(&module, &few, &checked, &errors));
  assert_int_equal(errors.count, 2);
  assert_string_equal(errors.items[0].message, "module \"thing\" needs the option \"root\"");
  assert_string_equal(errors.items[0].hint, "The folder.");
  assert_string_equal(errors.items[1].message, "module \"thing\" declares a default for \"days\" that does not fit its type or bounds");
  release(&module);
}

static void test_longer_declarations_are_read_by_their_stride(void **state) {
  (void)state;
  static const struct {
    bp_option known;
    uint64_t newer;
  } later[] = {{{OPTION("a", BP_OPTION_INTEGER, "1")}, 9}, {{OPTION("b", BP_OPTION_INTEGER, "2")}, 9}};
  const bp_array two = BP_ARRAY(later);
  struct config_errors errors = {0};
  struct config_module module = written("{\"b\":5}");
  json_t *checked = NULL;
  assert_true(config_check_options(&module, &two, &checked, &errors));
  assert_int_equal(json_integer_value(json_object_get(checked, "a")), 1);
  assert_int_equal(json_integer_value(json_object_get(checked, "b")), 5);
  json_decref(checked);
  release(&module);
}

static bp_str read_text(bp_plugin self) {
  bp_str text = {0};
  assert_int_equal(config_table.string(self, BP_LIT("a"), &text), BP_OK);
  return text;
}

static void test_earlier_strings_stay_until_the_next_change(void **state) {
  (void)state;
  assert_true(loop_init());
  struct plugin *plugin = plugin_add(BP_LIT("p"), "/p.so");
  config_set_options(plugin, json_pack("{s:s}", "a", "first"));
  bp_str first = read_text(plugin->handle);
  config_set_options(plugin, json_pack("{s:s}", "a", "second"));
  assert_true(str_eq(first, BP_LIT("first")));
  assert_true(str_eq(read_text(plugin->handle), BP_LIT("second")));
  config_set_options(plugin, json_pack("{s:s}", "a", "third"));
  config_forget(plugin);
  plugin_registry_release();
  loop_release();
}

static void test_setting_tells_whether_anything_changed(void **state) {
  (void)state;
  struct plugin plugin = {0};
  assert_true(config_set_options(&plugin, json_pack("{s:i}", "a", 1)));
  assert_false(config_set_options(&plugin, json_pack("{s:i}", "a", 1)));
  assert_true(config_set_options(&plugin, json_pack("{s:i}", "a", 2)));
  config_forget(&plugin);
  assert_null(plugin.config_data);
  config_forget(&plugin);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_not_written_is_the_default),
      cmocka_unit_test(test_values_take_the_declared_type),
      cmocka_unit_test(test_errors_name_option_line_and_fix),
      cmocka_unit_test(test_all_errors_of_a_module_are_told),
      cmocka_unit_test(test_a_required_option_and_a_broken_default_are_told),
      cmocka_unit_test(test_longer_declarations_are_read_by_their_stride),
      cmocka_unit_test(test_earlier_strings_stay_until_the_next_change),
      cmocka_unit_test(test_setting_tells_whether_anything_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
