/* The command line: words, options anywhere, values, and what is said of mistakes. */
#include "cli/command.h"
#include "cli/module_file.h"
#include "cli/say.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int parse(struct cli_call *call, unsigned argc, const char *const *words) {
  char *argv[CLI_WORDS_MAX + 2];
  argv[0] = (char *)(uintptr_t) "backplane";
  for (unsigned i = 0; i < argc; i++)
    argv[i + 1] = (char *)(uintptr_t)words[i];
  memset(call, 0, sizeof(*call));
  return cli_parse((int)argc + 1, argv, call);
}
#define PARSE(call, ...) parse((call), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *const[]){__VA_ARGS__})

static void test_options_may_stand_anywhere(void **state) {
  (void)state;
  struct cli_call call;
  assert_int_equal(PARSE(&call, "--state=/x", "token", "create", "--scope", "read,write", "me", "--json"), CLI_DONE);
  assert_string_equal(call.command->name, "token");
  assert_int_equal(call.word_count, 2);
  assert_string_equal(call.words[1], "me");
  assert_string_equal(cli_value(&call, "--scope"), "read,write");
  assert_string_equal(call.state_dir, "/x");
  assert_true(call.wants_json);
  assert_null(cli_value(&call, "--days"));
  free(call.state_dir);
}

static void test_shorthands_and_the_end_of_options(void **state) {
  (void)state;
  struct cli_call call;
  assert_int_equal(PARSE(&call, "logs", "-f", "-n", "7", "--state", "/x"), CLI_DONE);
  long lines = 0;
  assert_non_null(cli_value(&call, "--follow"));
  assert_true(cli_number(&call, "--lines", 0, 100, 50, &lines));
  assert_int_equal(lines, 7);
  free(call.state_dir);
  assert_int_equal(PARSE(&call, "inspect", "--state", "/x", "--", "--odd.so"), CLI_DONE);
  assert_string_equal(call.words[0], "--odd.so");
  free(call.state_dir);
}

static void test_mistakes_are_misuse(void **state) {
  (void)state;
  struct cli_call call;
  assert_int_equal(PARSE(&call, "statsu"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "status", "--jsn"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "status", "--state"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "status", "--json=yes"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "backup"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "backup", "a", "b"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "run", "--port-offset", "70000"), CLI_MISUSED);
  assert_int_equal(PARSE(&call, "run", "--port-offset", "1x"), CLI_MISUSED);
}

static void test_nearest_names(void **state) {
  (void)state;
  const char *const names[] = {"status", "routes", "run", NULL};
  assert_string_equal(say_nearest("statsu", names), "status");
  assert_string_equal(say_nearest("route", names), "routes");
  assert_null(say_nearest("zzzzzz", names));
}

static void test_commands_are_in_order_and_described(void **state) {
  (void)state;
  for (unsigned i = 0; cli_commands[i]; i++) {
    const struct cli_command *command = cli_commands[i];
    assert_ptr_equal(cli_find(command->name), command);
    assert_true(command->summary && command->help && command->synopsis && command->run);
    if (cli_commands[i + 1])
      assert_true(strcmp(command->name, cli_commands[i + 1]->name) < 0);
  }
}

static void test_module_ids_are_safe_file_names(void **state) {
  (void)state;
  assert_true(module_id_is_valid("observability"));
  assert_true(module_id_is_valid("org.example.my-plugin2"));
  const char *const bad[] = {"", ".", "..", "a..b", "a.", ".a", "../x", "a/b", "A", "1a", "-a", "a.-b", "a b", "a\n"};
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_false(module_id_is_valid(bad[i]));
}

static void test_a_module_file_comes_and_goes(void **state) {
  (void)state;
  char folder[] = "/tmp/backplane-unit-XXXXXX";
  bp_error err = BP_ERROR_INIT;
  char config[64], file[96], kept[96];
  assert_non_null(mkdtemp(folder));
  snprintf(config, sizeof(config), "%s/backplane.lua", folder);
  snprintf(file, sizeof(file), "%s/modules.d/echo.lua", folder);
  snprintf(kept, sizeof(kept), "%s/modules.d/echo.lua.disabled", folder);

  assert_int_equal(module_file_remove(config, "echo", &err), BP_E_NOT_FOUND);
  assert_int_equal(module_file_write(config, "echo", &err), BP_OK);
  assert_int_equal(module_file_write(config, "echo", &err), BP_E_EXISTS);
  assert_int_equal(module_file_remove(config, "echo", &err), BP_OK);
  assert_int_not_equal(access(kept, F_OK), 0);

  assert_int_equal(module_file_write(config, "echo", &err), BP_OK);
  FILE *edited = fopen(file, "w");
  assert_non_null(edited);
  fputs("module \"echo\" { loud = true }\n", edited);
  fclose(edited);
  assert_int_equal(module_file_remove(config, "echo", &err), BP_OK);
  assert_int_equal(access(kept, F_OK), 0);
  assert_int_equal(module_file_write(config, "echo", &err), BP_OK);
  char text[64] = "";
  FILE *again = fopen(file, "r");
  assert_non_null(again);
  assert_non_null(fgets(text, sizeof(text), again));
  fclose(again);
  assert_string_equal(text, "module \"echo\" { loud = true }\n");

  unlink(file);
  snprintf(file, sizeof(file), "%s/modules.d", folder);
  rmdir(file);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_options_may_stand_anywhere),
      cmocka_unit_test(test_shorthands_and_the_end_of_options),
      cmocka_unit_test(test_mistakes_are_misuse),
      cmocka_unit_test(test_nearest_names),
      cmocka_unit_test(test_commands_are_in_order_and_described),
      cmocka_unit_test(test_module_ids_are_safe_file_names),
      cmocka_unit_test(test_a_module_file_comes_and_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
