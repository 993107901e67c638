/* Limited children: an answer, an error, a crash, an exit. */
#include "base/fail.h"
#include "cli/probe.h"
#include "unit.h"

#undef fail /* cmocka's; here it is base/fail.h's */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *answers(void *arg, bp_error *err) {
  (void)err;
  return json_pack("{s:s}", "said", (const char *)arg);
}

static json_t *refuses(void *arg, bp_error *err) {
  (void)arg;
  fail(err, BP_E_INVALID, "no thanks");
  fail_hint(err, "ask again");
  return NULL;
}

static json_t *crashes(void *arg, bp_error *err) {
  (void)arg;
  (void)err;
  raise(SIGKILL);
  return NULL;
}

static json_t *exits(void *arg, bp_error *err) {
  (void)arg;
  (void)err;
  _exit(3);
}

static void test_an_answer_comes_back(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  char word[] = "hello";
  json_t *answer = probe_run(answers, word, &err);
  assert_string_equal(json_string_value(json_object_get(answer, "said")), "hello");
  json_decref(answer);
}

static void test_an_error_comes_back_whole(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_null(probe_run(refuses, NULL, &err));
  assert_int_equal(err.code, BP_E_INVALID);
  assert_string_equal(err.message, "no thanks");
  assert_string_equal(err.hint, "ask again");
}

static void test_a_crash_costs_only_the_child(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  assert_null(probe_run(crashes, NULL, &err));
  assert_non_null(strstr(err.message, "signal 9"));
  assert_null(probe_run(exits, NULL, &err));
  assert_non_null(strstr(err.message, "exit code 3"));
}

static void test_the_folder_is_private_and_goes_with_its_files(void **state) {
  (void)state;
  struct stat st;
  char *folder = probe_folder();
  assert_non_null(folder);
  assert_int_equal(stat(folder, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  char name[128], copy[128];
  snprintf(copy, sizeof(copy), "%s", folder);
  snprintf(name, sizeof(name), "%s/x.so", folder);
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  fclose(file);
  probe_folder_remove(folder);
  assert_int_not_equal(access(copy, F_OK), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_answer_comes_back),
      cmocka_unit_test(test_an_error_comes_back_whole),
      cmocka_unit_test(test_a_crash_costs_only_the_child),
      cmocka_unit_test(test_the_folder_is_private_and_goes_with_its_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
