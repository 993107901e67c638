/* The state folder: where it is looked for, made and refused. */
#include "unit.h"

#include "state_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static int set_up(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/backplane-state-XXXXXX");
  if (!mkdtemp(folder))
    return -1;
  snprintf(path, sizeof(path), "%s/a/b", folder);
  return 0;
}

static int tear_down(void **state) {
  char parent[128];
  (void)state;
  snprintf(parent, sizeof(parent), "%s/a", folder);
  rmdir(path);
  unlink(path);
  rmdir(parent);
  rmdir(folder);
  return 0;
}

static void assert_found(const char *given, const char *expected) {
  char *found = state_dir_find(given);
  assert_non_null(found);
  assert_string_equal(found, expected);
  free(found);
}

static void test_find(void **state) {
  char cwd[1024], expected[1100];
  (void)state;
  setenv("HOME", "/home/x", 1);
  setenv("XDG_STATE_HOME", "/var/x", 1);
  assert_found("/tmp/y/", "/tmp/y");
  assert_found(NULL, "/var/x/backplane");
  setenv("XDG_STATE_HOME", "relative", 1); /* the specification says: ignore */
  assert_found("", "/home/x/.local/state/backplane");
  snprintf(expected, sizeof(expected), "%s/y", getcwd(cwd, sizeof(cwd)));
  assert_found("y", expected);
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
  assert_null(state_dir_find(NULL));
}

static void test_made_private_with_parents(void **state) {
  struct stat st;
  bp_error err = BP_ERROR_INIT;
  (void)state;
  umask(0);
  assert_int_equal(state_dir_prepare(path, &err), BP_OK);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  assert_int_equal(state_dir_prepare(path, &err), BP_OK);
}

static void test_open_folder_is_refused(void **state) {
  bp_error err = BP_ERROR_INIT;
  (void)state;
  assert_int_equal(state_dir_prepare(path, &err), BP_OK);
  chmod(path, 0710);
  assert_int_equal(state_dir_prepare(path, &err), BP_E_DENIED);
  assert_non_null(strstr(err.hint, "chmod 700"));
}

static void test_link_is_refused(void **state) {
  bp_error err = BP_ERROR_INIT;
  (void)state;
  assert_int_equal(state_dir_prepare(path, &err), BP_OK);
  rmdir(path);
  assert_int_equal(symlink(folder, path), 0);
  assert_int_equal(state_dir_prepare(path, &err), BP_E_INVALID);
}

static void test_foreign_folder_is_refused(void **state) {
  bp_error err = BP_ERROR_INIT;
  (void)state;
  if (geteuid() != 0)
    skip();
  assert_int_equal(state_dir_prepare(path, &err), BP_OK);
  assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
  assert_int_equal(state_dir_prepare(path, &err), BP_E_DENIED);
  assert_non_null(strstr(err.message, "belongs to user 12345"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(test_find), CASE(test_made_private_with_parents), CASE(test_open_folder_is_refused),
                                     CASE(test_link_is_refused), CASE(test_foreign_folder_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
