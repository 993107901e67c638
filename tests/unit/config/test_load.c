/* config_load: what a good file says, and every way a file can be wrong, with its line. */
#include "base/str.h"
#include "config/config.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The built-in limits, where host/http is not linked. */
__attribute__((weak)) struct http_limits http_limits;

static char folder[] = "/tmp/backplane-config-XXXXXX";

static int make_folder(void **state) {
  (void)state;
  char path[128];
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof(path), "%s/modules.d", folder);
  return mkdir(path, 0700);
}

static int remove_folder(void **state) {
  (void)state;
  static const char *const names[] = {"/main.lua", "/modules.d/a.lua", "/modules.d/b.lua", "/modules.d", ""};
  char path[128];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    snprintf(path, sizeof(path), "%s%s", folder, names[i]);
    remove(path);
  }
  return 0;
}

static const char *write_file(const char *name, const char *text, size_t len) {
  static char path[128];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  fclose(file);
  return path;
}

static struct config *load(const char *text) {
  struct config_errors errors = {0};
  struct config *config = config_load(write_file("main.lua", text, strlen(text)), &errors);
  if (!config)
    fail_msg("%s:%d: %s", errors.items[0].file, errors.items[0].line, errors.items[0].message);
  return config;
}

/* Loads what must be wrong and checks the first error. */
static void refuse(const char *text, int line, const char *message) {
  struct config_errors errors = {0};
  const char *path = write_file("main.lua", text, strlen(text));
  assert_null(config_load(path, &errors));
  assert_true(errors.count > 0);
  assert_string_equal(errors.items[0].file, path);
  if (errors.items[0].line != line || !strstr(errors.items[0].message, message))
    fail_msg("%s\nline %d: %s\nexpected line %d: %s", text, errors.items[0].line, errors.items[0].message, line, message);
}

static void test_a_good_file_says_what_it_says(void **state) {
  (void)state;
  struct config *config = load("listen \"127.0.0.1:8700\"\n"
                               "listen \"[::1]:8765\" { family = \"observability\", auth = \"token\" }\n"
                               "listen \"unix:/tmp/x.sock\"\n"
                               "listen \"0.0.0.0:1\" { public = true, auth = \"token\" }\n"
                               "module \"git\"\n"
                               "module \"org.example.thing\" {\n"
                               "  path = \"lib/thing.so\",\n"
                               "  roots = { home = \"/home\" },\n"
                               "  list = { 1, 2.5, \"x\" }, on = true,\n"
                               "}\n"
                               "origins { \"http://localhost:5173\" }\n"
                               "limits { keep_alive_ms = 5000, body_min_rate = 10 }\n"
                               "log { format = \"json\", level = \"debug\" }\n"
                               "live { retention_days = 7, io_uring = false }\n"
                               "modules_dir \"/usr/lib/backplane\"\n"
                               "warn \"mind the gap\"\n");
  const struct config_listener *listener = config->listeners;
  assert_string_equal(listener->address, "127.0.0.1");
  assert_int_equal(listener->port, 8700);
  assert_null(listener->family);
  assert_int_equal(listener->auth, LISTENER_AUTH_PEER);
  listener = listener->next;
  assert_string_equal(listener->address, "::1");
  assert_string_equal(listener->family, "observability");
  assert_int_equal(listener->auth, LISTENER_AUTH_TOKEN);
  assert_int_equal(listener->line, 2);
  listener = listener->next;
  assert_true(listener->is_unix);
  assert_string_equal(listener->address, "/tmp/x.sock");
  listener = listener->next;
  assert_true(listener->is_public);
  assert_null(listener->next);
  const struct config_module *module = config->modules;
  assert_string_equal(module->id, "git");
  assert_null(module->path);
  module = module->next;
  assert_int_equal(module->line, 6);
  assert_int_equal(module->path[0], '/');
  assert_non_null(strstr(module->path, "/lib/thing.so"));
  char *options = json_dumps(module->options, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(options, "{\"list\":[1,2.5,\"x\"],\"on\":true,\"roots\":{\"home\":\"/home\"}}");
  free(options);
  assert_int_equal(json_integer_value(json_object_get(module->lines, "list")), 9);
  assert_int_equal(config->origin_count, 1);
  assert_string_equal(config->origins[0], "http://localhost:5173");
  assert_int_equal(config->limits.keep_alive_ms, 5000);
  assert_int_equal(config->limits.body_min_rate, 10);
  assert_string_equal(config->log_format, "json");
  assert_int_equal(config->live_retention_days, 7);
  assert_false(config->live_io_uring);
  assert_int_equal(config->live_retention_bytes, 2147483648);
  assert_string_equal(config->module_dir, "/usr/lib/backplane");
  assert_string_equal(config->warnings[0], "mind the gap");
  config_free(config);
}

static void test_errors_name_the_line_and_the_nearest_word(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int line;
    const char *message;
  } rows[] = {
      {"\nlisten(5)", 2, "a text is needed: listen"},
      {"listen \"127.0.0.1\"", 1, "it has no port"},
      {"listen \"127.0.0.1:0\"", 1, "not a number from 1 to 65535"},
      {"listen \"127.0.0.1:65536\"", 1, "not a number from 1 to 65535"},
      {"listen \"127.0.0.1:80x\"", 1, "not a number from 1 to 65535"},
      {"listen \"localhost:80\"", 1, "a name is not an address"},
      {"listen \"::1:80\"", 1, "not an IP address"},
      {"listen \"[::1:80\"", 1, "it has no port"},
      {"listen \"unix:x.sock\"", 1, "not absolute"},
      {"listen \"127.0.0.1:80\"\nlisten \"127.0.0.1:80\"", 2, "twice"},
      {"listen \"0.0.0.0:80\"", 1, "can be reached from other machines"},
      {"\nlisten \"[::]:80\" { public = true }", 2, "without a token"},
      {"listen \"127.0.0.1:80\" {\n  famly = \"x\" }", 2, "unknown setting \"famly\" of listen, did you mean \"family\"?"},
      {"listen \"127.0.0.1:80\" {\n\n  auth = \"tokn\" }", 3, "\"auth\" of listen cannot be \"tokn\", did you mean \"token\"?"},
      {"listen \"127.0.0.1:80\" { public = 1 }", 1, "\"public\" of listen must be true or false, not number"},
      {"module \"Git\"", 1, "is not a module's id"},
      {"module \"git\"\nmodule \"git\"", 2, "line 1 already"},
      {"module \"git\" 'x'", 1, "options are a table"},
      {"module \"git\" {\n  x = print }", 2, "unknown name \"print\""},
      {"module \"git\" {\n  x = env }", 2, "is a function"},
      {"module \"git\" {\n  x = { 1, a = 2 } }", 2, "mixes a list with names"},
      {"local t = {} t.t = t\nmodule \"git\" { x = t }", 2, "without an end"},
      {"module \"git\" { 'x' }", 1, "need names"},
      {"origins { \"*\" }", 1, "\"*\" is not an origin"},
      {"origins { \"http://localhost:3000/\" }", 1, "is not an origin"},
      {"limits {\n  keep_alive = 5 }", 2, "unknown setting \"keep_alive\" of limits, did you mean \"keep_alive_ms\"?"},
      {"limits { keep_alive_ms = 5 }", 1, "must be between 100 and 3600000"},
      {"limits { keep_alive_ms = 500.5 }", 1, "must be a whole number, not number"},
      {"log { level = \"inf\" }", 1, "cannot be \"inf\", did you mean \"info\"?"},
      {"live { retention_days = \"7\" }", 1, "must be a whole number, not string"},
      {"live(7)", 1, "live needs a table"},
      {"lissten \"127.0.0.1:80\"", 1, "unknown name \"lissten\", did you mean \"listen\"?"},
      {"\nmodules_dir = \"/x\"", 2, "nothing is set by assigning to \"modules_dir\""},
      {"local x = \n\n}", 3, "unexpected symbol near '}'"},
      {"\nerror(\"own words\")", 2, "own words"},
      {"\nerror()", 2, "an error that is not a text"},
      {"\nerror({})", 2, "an error that is not a text"},
      {"\nlocal x = 1 + {}", 2, "attempt to perform arithmetic on a table value"},
      {"include \"none.lua\"", 1, "there is no file"},
      {"include \"main.lua\"", 1, "include each other"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    refuse(rows[i].text, rows[i].line, rows[i].message);
}

static void test_all_errors_are_told(void **state) {
  (void)state;
  static const char text[] = "listen \"x\"\nmodule \"X\"\nlimits { no_such = 1 }\nlisten \"127.0.0.1:80\" { auth = true }\n";
  struct config_errors errors = {0};
  assert_null(config_load(write_file("main.lua", text, strlen(text)), &errors));
  assert_int_equal(errors.count, 4);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(errors.items[i].line, (int)i + 1);
}

static void test_more_errors_than_are_kept_do_no_harm(void **state) {
  (void)state;
  static const char text[] = "for i = 1, 1000 do listen(\"x\" .. i) { auth = 1 } end";
  struct config_errors errors = {0};
  assert_null(config_load(write_file("main.lua", text, strlen(text)), &errors));
  assert_int_equal(errors.count, 32);
}

static void test_a_missing_file_is_told(void **state) {
  (void)state;
  struct config_errors errors = {0};
  assert_null(config_load("/nonexistent/backplane.lua", &errors));
  assert_non_null(strstr(errors.items[0].message, "cannot read \"/nonexistent/backplane.lua\""));
}

static void test_includes_run_in_name_order(void **state) {
  (void)state;
  static const char first[] = "module \"first\"", second[] = "\n\nmodule \"second\" { x = 1 }";
  write_file("modules.d/b.lua", second, strlen(second));
  write_file("modules.d/a.lua", first, strlen(first));
  struct config *config = load("include \"modules.d/*.lua\"\ninclude \"nothing.d/*.lua\"\nmodule \"last\"\n");
  const struct config_module *module = config->modules;
  assert_string_equal(module->id, "first");
  module = module->next;
  assert_string_equal(module->id, "second");
  assert_int_equal(module->line, 3);
  assert_non_null(strstr(module->file, "/modules.d/b.lua"));
  assert_string_equal(module->next->id, "last");
  assert_int_equal(module->next->line, 3);
  config_free(config);
}

static void test_an_error_in_an_included_file_is_told_there(void **state) {
  (void)state;
  static const char bad[] = "module \"first\"\nthis is not Lua", main_text[] = "include \"modules.d/a.lua\"\nlisten \"x\"";
  struct config_errors errors = {0};
  write_file("modules.d/a.lua", bad, strlen(bad));
  assert_null(config_load(write_file("main.lua", main_text, strlen(main_text)), &errors));
  assert_int_equal(errors.count, 2);
  assert_non_null(strstr(errors.items[0].file, "/modules.d/a.lua"));
  assert_int_equal(errors.items[0].line, 2);
  assert_int_equal(errors.items[1].line, 2);
}

static void test_the_environment_gives_values_and_never_shows_them(void **state) {
  (void)state;
  setenv("BP_TEST_PORT", "9000", 1);
  setenv("BP_TEST_LIST", " http://a:1 ,,http://b:2", 1);
  setenv("BP_TEST_FLAG", "Yes", 1);
  setenv("BP_TEST_EMPTY", "", 1);
  setenv("BP_TEST_SECRET", "hunter2", 1);
  struct config *config = load("listen(\"127.0.0.1:\" .. env_number(\"BP_TEST_PORT\", 1))\n"
                               "listen(\"127.0.0.1:\" .. env_number(\"BP_TEST_NONE\", 1))\n"
                               "origins(env_list(\"BP_TEST_LIST\", {}))\norigins(env_list(\"BP_TEST_NONE\", {}))\n"
                               "module \"m\" { flag = env_flag(\"BP_TEST_FLAG\", false), none = env(\"BP_TEST_NONE\"), "
                               "empty = env(\"BP_TEST_EMPTY\", \"d\") }\n");
  assert_int_equal(config->listeners->port, 9000);
  assert_int_equal(config->listeners->next->port, 1);
  assert_int_equal(config->origin_count, 2);
  assert_string_equal(config->origins[0], "http://a:1");
  assert_string_equal(config->origins[1], "http://b:2");
  char *options = json_dumps(config->modules->options, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(options, "{\"empty\":\"d\",\"flag\":true}");
  free(options);
  config_free(config);
  config_port_offset(500);
  config = load("listen \"127.0.0.1:3000\"\nmodule \"m\" { url = \"http://localhost:\" .. real_port(3000) }\n");
  config_port_offset(0);
  options = json_dumps(config->modules->options, JSON_COMPACT);
  assert_string_equal(options, "{\"url\":\"http://localhost:3500\"}");
  assert_int_equal(config->listeners->port, 3000);
  free(options);
  config_free(config);
  refuse("local x = real_port(\"x\")", 1, "real_port takes a port");
  refuse("local x = env_number(\"BP_TEST_SECRET\", 1)", 1, "environment variable \"BP_TEST_SECRET\" is not a whole number");
  refuse("local x = env_flag(\"BP_TEST_SECRET\", false)", 1, "environment variable \"BP_TEST_SECRET\" is not 1, true");
}

static void test_nothing_leads_out_of_the_sandbox(void **state) {
  (void)state;
  static const char *const names[] = {"os",       "io",        "load",  "loadstring", "loadfile",     "dofile",         "require",  "package",
                                      "debug",    "coroutine", "pcall", "xpcall",     "setmetatable", "getmetatable",   "rawget",   "rawset",
                                      "rawequal", "rawlen",    "print", "_G",         "_ENV_",        "collectgarbage", "warnings", "utf8"};
  char text[128], message[64];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    snprintf(text, sizeof(text), "\nlocal x = %s", names[i]);
    snprintf(message, sizeof(message), "unknown name \"%s\"", names[i]);
    refuse(text, 2, message);
  }
  refuse("local x = string.dump(listen)", 1, "attempt to call a nil value (field 'dump')");
  refuse("local x = (\"x\"):rep(1e9)", 1, "attempt to call a nil value (method 'rep')");
  refuse("local x = (\"x\"):find(\"x\")", 1, "attempt to call a nil value (method 'find')");
  refuse("local x = table.move({}, 1, 2, 3)", 1, "attempt to call a nil value (field 'move')");
}

static void test_loops_and_hunger_end(void **state) {
  (void)state;
  refuse("\nwhile true do end", 2, "ran for too long");
  refuse("for i = 1, 1/0 do\n  listen(\"x\" .. i) { auth = i }\nend", 2, "it has no port");
  refuse("for i = 1, 1/0 do\n  module(\"m\" .. i)\nend", 2, "ran for too long");
  refuse("local t = {} for i = 1, 15 do t = { t, t, t, t } end\nmodule \"m\" { t = t }", 2, "more values than an option may have");
  refuse("local t = {} for i = 1, 500 do t[\"o\" .. i] = i end\nmodule \"m\"(t)", 2, "more than 256 options");
  refuse("local s = \"x\"\nwhile true do s = s .. #s end", 2, "ran for too long");
  refuse("local function f() return f() end\nf()", 1, "ran for too long");
  refuse("local t = {}\nfor i = 1, 1e9 do\n  t[i] = \"item \" .. i\nend", 3, "more than 16 MiB");
  refuse("local s = \"x\"\nwhile true do s = s .. s end", 2, "more than 16 MiB");
  refuse("local function f() return 1 + f() end\nf()", 1, "ran for too long");
}

static void test_only_text_is_run(void **state) {
  (void)state;
  static const char bytes[] = "\x1bLua\x54\x00";
  struct config_errors errors = {0};
  assert_null(config_load(write_file("main.lua", bytes, sizeof(bytes)), &errors));
  assert_non_null(strstr(errors.items[0].message, "binary chunk"));
}

static void test_the_shipped_file_is_good(void **state) {
  (void)state;
  struct config_errors errors = {0};
  setenv("DATABASE_URL", "postgresql://user:hunter2@db/x", 1);
  setenv("CORS_ORIGINS", "https://app.example", 1);
  struct config *config = config_load(TEST_SOURCE_DIR "/etc/backplane.lua", &errors);
  if (!config)
    fail_msg("line %d: %s", errors.items[0].line, errors.items[0].message);
  assert_int_equal(config->listeners->port, 8700);
  assert_int_equal(config->warning_count, 1);
  assert_null(strstr(config->warnings[0], "hunter2"));
  assert_int_equal(config->origin_count, 4);
  const struct config_module *module = config->modules;
  while (module && strcmp(module->id, "observability") != 0)
    module = module->next;
  assert_non_null(module);
  config_free(config);
}

static void test_the_file_is_found(void **state) {
  (void)state;
  char *found = config_find("/x/y.lua");
  assert_string_equal(found, "/x/y.lua");
  free(found);
  setenv("HOME", "/nonexistent", 1);
  unsetenv("XDG_CONFIG_HOME");
  found = config_find(NULL);
  assert_true(access("/etc/backplane/backplane.lua", R_OK) == 0 || str_ends(str_from(found), BP_LIT("/etc/backplane/backplane.lua")));
  free(found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_good_file_says_what_it_says),
      cmocka_unit_test(test_errors_name_the_line_and_the_nearest_word),
      cmocka_unit_test(test_all_errors_are_told),
      cmocka_unit_test(test_more_errors_than_are_kept_do_no_harm),
      cmocka_unit_test(test_a_missing_file_is_told),
      cmocka_unit_test(test_includes_run_in_name_order),
      cmocka_unit_test(test_an_error_in_an_included_file_is_told_there),
      cmocka_unit_test(test_the_environment_gives_values_and_never_shows_them),
      cmocka_unit_test(test_nothing_leads_out_of_the_sandbox),
      cmocka_unit_test(test_loops_and_hunger_end),
      cmocka_unit_test(test_only_text_is_run),
      cmocka_unit_test(test_the_shipped_file_is_good),
      cmocka_unit_test(test_the_file_is_found),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
