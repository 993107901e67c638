/* Unit tests of the files of log lines: bounded in memory, turned over on disk, complete after a stop. */
#include "base/str.h"
#include "host.h"
#include "live/topic_log.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int setup(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/backplane-topics-XXXXXX");
  host_run.state_dir = mkdtemp(folder);
  return host_run.state_dir && loop_init() ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

static int teardown(void **state) {
  (void)state;
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}

static void stop_all(void) {
  workers_stop();
  topic_logs_release();
  loop_release();
}

static off_t size_of(const char *name) {
  char path[256];
  struct stat info;
  snprintf(path, sizeof(path), "%s/log/topics/%s", folder, name);
  return stat(path, &info) == 0 ? info.st_size : -1;
}

static void test_what_waits_is_bounded_and_written_at_the_end(void **state) {
  (void)state;
  static char line[100000];
  memset(line, 'x', sizeof(line));
  memcpy(line, "{\"line\":\"", 9);
  memcpy(line + sizeof(line) - 2, "\"}", 2);
  for (unsigned i = 0; i < 50; i++)
    topic_log_add(BP_LIT("a.log"), BP_LIT("k"), bp_str_make(line, sizeof(line)));
  topic_log_add(BP_LIT("../evil"), BP_LIT(""), BP_LIT("{}"));
  stop_all();
  assert_in_range(size_of("a.log.log"), 1000000, TOPIC_LOG_WAITING_BYTES + 1000);
  char path[128], text[200] = "";
  snprintf(path, sizeof(path), "%s/log/topics/a.log.log", folder);
  FILE *file = fopen(path, "r");
  fseek(file, -60, SEEK_END);
  size_t len = fread(text, 1, sizeof(text) - 1, file);
  fclose(file);
  text[len] = '\0';
  assert_non_null(strstr(text, "{\"dropped_bytes\":4000000}\n"));
}

static void test_a_large_file_is_turned_over(void **state) {
  (void)state;
  static char line[900000];
  memset(line, 'x', sizeof(line));
  memcpy(line, "{\"line\":\"", 9);
  memcpy(line + sizeof(line) - 2, "\"}", 2);
  for (unsigned round = 0; round < 3; round++) {
    topic_log_add(BP_LIT("b.log"), BP_LIT("k"), bp_str_make(line, sizeof(line)));
    stop_all();
    assert_true(loop_init());
  }
  assert_true(size_of("b.log.log.1") > (off_t)TOPIC_LOG_FILE_BYTES);
  assert_int_equal(size_of("b.log.log"), -1);
  stop_all();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_what_waits_is_bounded_and_written_at_the_end, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_large_file_is_turned_over, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
