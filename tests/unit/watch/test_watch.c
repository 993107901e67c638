/* Unit tests of bp.watch/1: folders, single files, gathering, and the end with the plugin. */
#include "unit.h"

#include "fs/own_folders.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "watch/spots.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct plugin *plugin;
static char base[64];
static struct {
  char name[64];
  uint32_t bits;
} seen[1024];
static unsigned calls;
static bp_watch closes; /* closed by its own callback */

static int setup(void **state) {
  (void)state;
  snprintf(base, sizeof(base), "/tmp/backplane-watch-XXXXXX");
  calls = 0;
  closes = 0;
  if (!mkdtemp(base) || !loop_init())
    return -1;
  plugin = plugin_add(BP_LIT("test.watch"), "/test.so");
  return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info, (void)type, (void)at;
  return remove(path);
}

static int teardown(void **state) {
  (void)state;
  plugin_revoke_all(plugin);
  spots_release();
  own_folders_release();
  loop_release();
  plugin_registry_release();
  return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *at(const char *name) {
  static char paths[2][256];
  static unsigned turn;
  char *path = paths[turn++ & 1];
  snprintf(path, sizeof(paths[0]), "%s%s%s", base, name[0] ? "/" : "", name);
  return path;
}

static void put(const char *name, const char *text) {
  int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static void on_change(void *ctx, bp_watch watch, uint32_t bits, bp_str name) {
  assert_ptr_equal(ctx, &calls);
  assert_true(calls < sizeof(seen) / sizeof(seen[0]));
  snprintf(seen[calls].name, sizeof(seen[0].name), "%.*s", (int)name.len, name.ptr);
  seen[calls++].bits = bits;
  if (watch == closes)
    assert_int_equal(watch_table.close(watch), BP_OK);
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void turns(unsigned count) {
  while (count--) {
    loop_post(stop, NULL);
    loop_run();
    usleep(1000);
  }
}

/* Until so many calls came; then a little longer, to see that no more come. */
static void wait_calls(unsigned count) {
  for (unsigned i = 0; i < 5000 && calls < count; i++)
    turns(1);
  turns(10);
  assert_int_equal(calls, count);
}

static uint32_t bits_of(const char *name) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < calls; i++)
    if (strcmp(seen[i].name, name) == 0)
      bits |= seen[i].bits;
  return bits;
}

static bp_watch watch_path(const char *name, uint32_t settle_ms) {
  bp_watch watch = 0;
  assert_int_equal(watch_table.open(plugin->handle, str_from(at(name)), settle_ms, on_change, &calls, &watch), BP_OK);
  return watch;
}

static void test_a_folder_tells_of_its_entries(void **state) {
  (void)state;
  bp_watch watch = watch_path("", 20);
  put("a", "1");
  put("b", "1");
  put("a", "2");
  wait_calls(2);
  assert_int_equal(bits_of("a"), BP_WATCH_CREATED | BP_WATCH_CHANGED);
  calls = 0;
  assert_int_equal(unlink(at("a")), 0);
  assert_int_equal(rename(at("b"), at("c")), 0);
  wait_calls(3);
  assert_int_equal(bits_of("a"), BP_WATCH_REMOVED);
  assert_int_equal(bits_of("b"), BP_WATCH_REMOVED);
  assert_true(bits_of("c") & BP_WATCH_CREATED);
  assert_int_equal(watch_table.close(watch), BP_OK);
  assert_int_equal(watch_table.close(watch), BP_E_STALE);
  calls = 0;
  put("d", "1");
  wait_calls(0);
}

static void test_a_file_is_followed_across_replacement(void **state) {
  (void)state;
  (void)watch_path("file", 0);
  put("other", "1");
  wait_calls(0);
  put("file", "1");
  for (unsigned i = 0; i < 2000 && !(bits_of("") & BP_WATCH_CHANGED); i++)
    turns(1);
  assert_int_equal(bits_of(""), BP_WATCH_CREATED | BP_WATCH_CHANGED);
  calls = 0;
  put("next", "2");
  assert_int_equal(rename(at("next"), at("file")), 0);
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_CHANGED);
  calls = 0;
  put("file", "3");
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_CHANGED);
  calls = 0;
  assert_int_equal(unlink(at("file")), 0);
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_REMOVED);
}

static void test_a_folder_that_goes_and_comes_back(void **state) {
  (void)state;
  assert_int_equal(mkdir(at("d"), 0700), 0);
  (void)watch_path("d", 0);
  assert_int_equal(rmdir(at("d")), 0);
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_REMOVED);
  calls = 0;
  assert_int_equal(mkdir(at("d"), 0700), 0);
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_CREATED | BP_WATCH_OVERFLOW);
  calls = 0;
  put("d/x", "");
  for (unsigned i = 0; i < 2000 && !(bits_of("x") & BP_WATCH_CHANGED); i++)
    turns(1);
  assert_int_equal(bits_of("x"), BP_WATCH_CREATED | BP_WATCH_CHANGED);
}

static void test_many_names_become_one_overflow(void **state) {
  (void)state;
  char name[32];
  (void)watch_path("", 100);
  for (unsigned i = 0; i < 600; i++) {
    snprintf(name, sizeof(name), "f%u", i);
    put(name, "");
  }
  wait_calls(1);
  assert_int_equal(bits_of(""), BP_WATCH_OVERFLOW);
}

static void test_two_watches_of_one_folder_and_one_that_closes_itself(void **state) {
  (void)state;
  closes = watch_path("", 5);
  (void)watch_path("", 5);
  put("a", "1");
  put("b", "1");
  wait_calls(3);
  calls = 0;
  put("c", "");
  wait_calls(1);
}

static void test_what_is_refused(void **state) {
  (void)state;
  bp_watch watch = 7;
  assert_int_equal(watch_table.open(plugin->handle, BP_LIT("relative"), 0, on_change, &calls, &watch), BP_E_INVALID);
  assert_int_equal(watch_table.open(plugin->handle, BP_LIT("/none/none/none"), 0, on_change, &calls, &watch), BP_E_NOT_FOUND);
  assert_int_equal(watch_table.open(plugin->handle, BP_LIT("/tmp"), 60001, on_change, &calls, &watch), BP_E_INVALID);
  assert_int_equal(watch_table.open(plugin->handle, BP_LIT("/tmp"), 0, NULL, &calls, &watch), BP_E_INVALID);
  assert_int_equal(mkdir(at("own"), 0700), 0);
  own_folders_add(at("own"));
  assert_int_equal(watch_table.open(plugin->handle, str_from(at("own")), 0, on_change, &calls, &watch), BP_E_DENIED);
  assert_int_equal(watch_table.open(plugin->handle, str_from(at("own/file")), 0, on_change, &calls, &watch), BP_E_DENIED);
  assert_int_equal(watch, 7);
  for (unsigned i = 0; i < 256; i++)
    (void)watch_path("", 0);
  assert_int_equal(watch_table.open(plugin->handle, str_from(at("")), 0, on_change, &calls, &watch), BP_E_LIMIT);
}

static void test_nothing_is_told_after_the_drain(void **state) {
  (void)state;
  bp_watch watch = watch_path("", 20);
  put("a", "1");
  turns(3);
  plugin_revoke_all(plugin);
  wait_calls(0);
  turns(40);
  assert_int_equal(calls, 0);
  assert_int_equal(watch_table.close(watch), BP_E_STALE);
  assert_int_equal(watch_table.open(plugin->handle, str_from(at("")), 0, on_change, &calls, &watch), BP_E_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_folder_tells_of_its_entries),
      TEST(test_a_file_is_followed_across_replacement),
      TEST(test_a_folder_that_goes_and_comes_back),
      TEST(test_many_names_become_one_overflow),
      TEST(test_two_watches_of_one_folder_and_one_that_closes_itself),
      TEST(test_what_is_refused),
      TEST(test_nothing_is_told_after_the_drain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
