/* Unit tests of host/router/spool.c and folder_file.c, with the real loop and workers: order, hashes, keeping, refusing. */
#include "base/str.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "router/folder_file.h"
#include "router/spool.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static const char *in_folder(const char *name) {
  static char path[256];
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static const char *in_spool(const char *name) {
  static char path[256];
  (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, FOLDER_SPOOL, name);
  return path;
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
}

static bool holds(const char *path, const char *text) {
  char found[64] = {0};
  int fd = open(path, O_RDONLY);
  if (fd < 0)
    return false;
  ssize_t len = read(fd, found, sizeof(found) - 1);
  close(fd);
  return len == (ssize_t)strlen(text) && strcmp(found, text) == 0;
}

static unsigned count_entries(const char *path) {
  DIR *dir = opendir(path);
  unsigned count = 0;
  assert_non_null(dir);
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

/* ---- The spool ---- */

struct session {
  struct spool spool;
  unsigned moves;
};

/* The owner's part: goes on until everything is on disk, then ends the loop. */
static void on_moved(void *ctx) {
  struct session *s = ctx;
  s->moves++;
  if (!spool_start(&s->spool))
    loop_stop();
}

static void flush(struct session *s) {
  if (spool_start(&s->spool))
    loop_run();
}

static void test_files_are_written_and_hashed_in_order(void **state) {
  (void)state;
  struct session s = {0};
  struct spool_file small, empty;
  spool_init(&s.spool, folder, on_moved, &s);
  assert_true(spool_begin(&s.spool, &small));
  assert_true(spool_write(&s.spool, BP_LIT("a")));
  assert_true(spool_write(&s.spool, BP_LIT("bc")));
  assert_true(spool_end(&s.spool));
  assert_true(spool_begin(&s.spool, &empty));
  assert_true(spool_end(&s.spool));
  flush(&s);
  while (!spool_is_empty(&s.spool))
    flush(&s);
  assert_int_equal(s.spool.status, BP_OK);
  assert_int_equal(spool_waiting(&s.spool), 0);
  assert_int_equal(small.size_bytes, 3);
  assert_string_equal(small.sha256_hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_string_equal(empty.sha256_hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_true(holds(in_spool(small.name), "abc"));
  assert_true(holds(in_spool(empty.name), ""));
  struct stat info;
  assert_int_equal(stat(in_spool(small.name), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  assert_int_equal(unlink(in_spool(small.name)), 0);
  assert_int_equal(unlink(in_spool(empty.name)), 0);
  spool_release(&s.spool);
}

static void test_large_files_go_in_blocks(void **state) {
  (void)state;
  static char piece[100000];
  struct session s = {0};
  struct spool_file file;
  struct stat info;
  memset(piece, 'x', sizeof(piece));
  spool_init(&s.spool, folder, on_moved, &s);
  assert_true(spool_begin(&s.spool, &file));
  for (int i = 0; i < 20; i++) {
    assert_true(spool_write(&s.spool, bp_str_make(piece, sizeof(piece))));
    flush(&s);
    assert_true(spool_waiting(&s.spool) <= sizeof(piece));
  }
  assert_true(spool_end(&s.spool));
  flush(&s);
  assert_int_equal(file.size_bytes, 20 * sizeof(piece));
  assert_int_equal(stat(in_spool(file.name), &info), 0);
  assert_int_equal(info.st_size, 20 * (off_t)sizeof(piece));
  assert_true(s.moves > 1);
  assert_int_equal(unlink(in_spool(file.name)), 0);
  spool_release(&s.spool);
}

static void test_a_failure_ends_it_and_drops_what_waits(void **state) {
  (void)state;
  struct session s = {0};
  struct spool_file file;
  spool_init(&s.spool, "/nonexistent", on_moved, &s);
  assert_true(spool_begin(&s.spool, &file) && spool_write(&s.spool, BP_LIT("abc")) && spool_end(&s.spool));
  flush(&s);
  assert_int_equal(s.spool.status, BP_E_IO);
  assert_true(s.spool.error.message[0] != '\0');
  assert_false(file.is_made);
  assert_true(spool_is_empty(&s.spool));
  assert_true(spool_begin(&s.spool, &file) && spool_end(&s.spool));
  assert_false(spool_start(&s.spool));
  spool_release(&s.spool);
}

static void test_what_is_abandoned_is_not_written(void **state) {
  (void)state;
  struct session s = {0};
  struct spool_file file;
  spool_init(&s.spool, folder, on_moved, &s);
  assert_true(spool_begin(&s.spool, &file) && spool_write(&s.spool, BP_LIT("abc")) && spool_end(&s.spool));
  spool_abandon(&s.spool);
  assert_int_equal(spool_waiting(&s.spool), 0);
  assert_false(spool_start(&s.spool));
  spool_release(&s.spool);
  assert_int_equal(count_entries(in_folder(FOLDER_SPOOL)), 0);
}

static void test_leftovers_of_an_earlier_run_are_removed(void **state) {
  (void)state;
  struct session s = {0};
  struct spool_file file;
  spool_init(&s.spool, folder, on_moved, &s);
  assert_true(spool_begin(&s.spool, &file) && spool_end(&s.spool));
  flush(&s);
  write_file(in_spool("0123456789abcdef-0123456789abcdef"), "left over");
  assert_int_equal(count_entries(in_folder(FOLDER_SPOOL)), 2);
  spool_clean(folder);
  assert_int_equal(count_entries(in_folder(FOLDER_SPOOL)), 1);
  assert_true(holds(in_spool(file.name), ""));
  assert_int_equal(unlink(in_spool(file.name)), 0);
  spool_release(&s.spool);
}

/* ---- The folder ---- */

static void test_names_are_plain_components(void **state) {
  (void)state;
  static const char *const plain[] = {"a", "a/b/c.txt", ".hidden", "a/.spool", "...", "\xC3\xBC"};
  static const char *const refused[] = {"", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", ".spool", ".spool/x", "a\nb"};
  for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
    assert_true(folder_path_is_plain(str_from(plain[i])));
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
    assert_false(folder_path_is_plain(str_from(refused[i])));
  assert_false(folder_path_is_plain(BP_LIT("a\0b")));
}

static void test_keeping_never_overwrites(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  close(folder_open_spool(folder));
  write_file(in_spool("one"), "first");
  write_file(in_spool("two"), "second");
  assert_int_equal(folder_keep(folder, "one", "sub/deep/name", &err), BP_OK);
  assert_true(holds(in_folder("sub/deep/name"), "first"));
  assert_int_equal(folder_keep(folder, "two", "sub/deep/name", &err), BP_E_EXISTS);
  assert_true(holds(in_folder("sub/deep/name"), "first"));
  assert_true(holds(in_spool("two"), "second"));
  assert_int_equal(folder_keep(folder, "two", "sub/other", &err), BP_OK);
  assert_int_equal(folder_keep(folder, "gone", "x", &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_remove(folder, "sub/other", &err), BP_OK);
  assert_int_equal(folder_remove(folder, "sub/other", &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_remove(folder, "sub/deep/name", &err), BP_OK);
  assert_int_equal(rmdir(in_folder("sub/deep")), 0);
  assert_int_equal(rmdir(in_folder("sub")), 0);
}

static void test_links_and_special_files_are_not_opened(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  struct stat info;
  int fd = -1;
  write_file(in_folder("plain"), "text");
  assert_int_equal(symlink("plain", in_folder("link")), 0);
  assert_int_equal(symlink("/etc", in_folder("etc")), 0);
  assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
  assert_int_equal(folder_open(folder, "link", &fd, &info, &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_open(folder, "etc/passwd", &fd, &info, &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_open(folder, "fifo", &fd, &info, &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_open(folder, FOLDER_SPOOL, &fd, &info, &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_open(folder, "plain/x", &fd, &info, &err), BP_E_NOT_FOUND);
  assert_int_equal(folder_remove(folder, "etc/passwd", &err), BP_E_NOT_FOUND);
  assert_int_equal(fd, -1);
  assert_int_equal(folder_open(folder, "plain", &fd, &info, &err), BP_OK);
  assert_int_equal(info.st_size, 4);
  close(fd);
  assert_int_equal(unlink(in_folder("plain")), 0);
  assert_int_equal(unlink(in_folder("link")), 0);
  assert_int_equal(unlink(in_folder("etc")), 0);
  assert_int_equal(unlink(in_folder("fifo")), 0);
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/unit-spool-XXXXXX");
  return loop_init() && mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  workers_stop();
  loop_release();
  (void)rmdir(in_folder(FOLDER_SPOOL));
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files_are_written_and_hashed_in_order),
      cmocka_unit_test(test_large_files_go_in_blocks),
      cmocka_unit_test(test_a_failure_ends_it_and_drops_what_waits),
      cmocka_unit_test(test_what_is_abandoned_is_not_written),
      cmocka_unit_test(test_leftovers_of_an_earlier_run_are_removed),
      cmocka_unit_test(test_names_are_plain_components),
      cmocka_unit_test(test_keeping_never_overwrites),
      cmocka_unit_test(test_links_and_special_files_are_not_opened),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
