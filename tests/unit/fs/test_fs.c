/* Unit tests of bp.fs/1: what each operation does, and what it refuses. */
#include "fs_fixture.h"

#include "fs/beneath.h"
#include "fs/names.h"

static void test_a_file_is_read_in_part_and_described(void **state) {
  (void)state;
  disk_write("a.txt", "0123456789");
  assert_int_equal(fs_wait(fs_table.read(fs_test.root, BP_LIT("a.txt"), 3, 4, FS_END)), BP_OK);
  assert_string_equal(fs_result.data, "3456");
  assert_int_equal(fs_result.total, 10);
  assert_string_equal(fs_result.entries[0].name, "a.txt");
  assert_int_equal(fs_wait(fs_table.read(fs_test.root, BP_LIT("a.txt"), 50, 4, FS_END)), BP_OK);
  assert_int_equal(fs_result.data_len, 0);
  assert_int_equal(fs_wait(fs_table.stat(fs_test.root, BP_LIT("a.txt"), FS_END)), BP_OK);
  assert_int_equal(fs_result.entries[0].kind, BP_FS_FILE);
  assert_int_equal(fs_wait(fs_table.stat(fs_test.root, BP_LIT(""), FS_END)), BP_OK);
  assert_int_equal(fs_result.entries[0].kind, BP_FS_FOLDER);
  assert_int_equal(fs_table.read(fs_test.root, BP_LIT("a.txt"), 0, (16u << 20) + 1, FS_END), BP_E_LIMIT);
  assert_int_equal(fs_read("none"), BP_E_NOT_FOUND);
  assert_int_equal(fs_read(""), BP_E_TYPE);
}

static void test_a_listing_is_sorted_paged_and_filtered(void **state) {
  (void)state;
  disk_mkdir("z-folder");
  disk_write("b.txt", "");
  disk_write("a.txt", "12");
  disk_write("c.md", "");
  disk_write(".hidden", "");
  disk_write("bad\nname", "");
  disk_write("bad\xff", "");
  assert_int_equal(fs_list("", "", 0), BP_OK);
  assert_int_equal(fs_result.count, 4);
  assert_string_equal(fs_result.entries[0].name, "z-folder");
  assert_string_equal(fs_result.entries[1].name, "a.txt");
  assert_int_equal(fs_result.entries[1].bytes, 2);
  assert_int_equal(fs_list(".", "*.txt", 0), BP_OK);
  assert_int_equal(fs_result.total, 2);
  assert_int_equal(fs_list("", "", BP_FS_HIDDEN), BP_OK);
  assert_int_equal(fs_result.count, 5);
  assert_int_equal(fs_wait(fs_table.list(fs_test.root, BP_LIT(""), BP_LIT(""), 0, 1, 2, FS_END)), BP_OK);
  assert_int_equal(fs_result.count, 2);
  assert_int_equal(fs_result.total, 4);
  assert_int_equal(fs_result.more, 1);
  assert_string_equal(fs_result.entries[0].name, "a.txt");
  assert_int_equal(fs_list("a.txt", "", 0), BP_E_TYPE);
}

static void test_ten_thousand_entries_are_listed(void **state) {
  (void)state;
  char name[32];
  disk_mkdir("many");
  for (unsigned i = 0; i < 10000; i++) {
    snprintf(name, sizeof(name), "many/f%05u", i);
    disk_write(name, "");
  }
  assert_int_equal(fs_list("many", "", 0), BP_OK);
  assert_int_equal(fs_result.count, 10000);
  assert_int_equal(fs_result.more, 0);
  assert_string_equal(fs_result.entries[1].name, "f00001");
}

static void test_writing_is_atomic_and_keeps_the_mode(void **state) {
  (void)state;
  struct stat info;
  assert_int_equal(fs_write("new.txt", "one", 0), BP_OK);
  assert_string_equal(disk_read("new.txt"), "one");
  assert_int_equal(fs_write("new.txt", "two", 0), BP_E_EXISTS);
  assert_string_equal(disk_read("new.txt"), "one");
  assert_int_equal(chmod(disk_path("new.txt"), 0754), 0);
  assert_int_equal(fs_write("new.txt", "two", BP_FS_OVERWRITE), BP_OK);
  assert_string_equal(disk_read("new.txt"), "two");
  assert_int_equal(stat(disk_path("new.txt"), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0754);
  assert_int_equal(fs_write("deep/er/x", "y", 0), BP_E_NOT_FOUND);
  assert_int_equal(fs_write("deep/er/x", "y", BP_FS_PARENTS), BP_OK);
  assert_string_equal(disk_read("deep/er/x"), "y");
  assert_int_equal(fs_write("deep", "y", BP_FS_OVERWRITE), BP_E_EXISTS);
  assert_int_equal(fs_list("", "", BP_FS_HIDDEN), BP_OK);
  assert_int_equal(fs_result.count, 2);
}

static void test_folders_are_made_renamed_and_removed(void **state) {
  (void)state;
  assert_int_equal(fs_wait(fs_table.mkdir(fs_test.root, BP_LIT("a"), 0, FS_END)), BP_OK);
  assert_int_equal(fs_wait(fs_table.mkdir(fs_test.root, BP_LIT("a"), 0, FS_END)), BP_E_EXISTS);
  assert_int_equal(fs_write("a/x", "1", 0), BP_OK);
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("a"), BP_LIT("b"), 0, FS_END)), BP_OK);
  assert_string_equal(disk_read("b/x"), "1");
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("b"), BP_LIT("b/c"), 0, FS_END)), BP_E_INVALID);
  assert_int_equal(fs_write("y", "2", 0), BP_OK);
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("y"), BP_LIT("b/x"), 0, FS_END)), BP_E_EXISTS);
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("y"), BP_LIT("b/x"), BP_FS_OVERWRITE, FS_END)), BP_OK);
  assert_string_equal(disk_read("b/x"), "2");
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("b"), 0, FS_END)), BP_E_CONFLICT);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("b"), BP_FS_RECURSIVE, FS_END)), BP_OK);
  assert_false(disk_has("b"));
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("b"), 0, FS_END)), BP_E_NOT_FOUND);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("."), BP_FS_RECURSIVE, FS_END)), BP_E_DENIED);
}

static void test_the_trash_keeps_what_is_removed(void **state) {
  (void)state;
  disk_mkdir("d");
  disk_write("d/x", "1");
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("d"), BP_FS_TRASH, FS_END)), BP_OK);
  assert_false(disk_has("d"));
  assert_int_equal(fs_list(".backplane-trash", "*-d", 0), BP_OK);
  assert_int_equal(fs_result.count, 1);
  char path[512];
  snprintf(path, sizeof(path), ".backplane-trash/%s/x", fs_result.entries[0].name);
  assert_string_equal(disk_read(path), "1");
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT(".backplane-trash"), BP_FS_TRASH, FS_END)), BP_E_INVALID);
}

static void test_a_tree_is_copied_whole_or_not_at_all(void **state) {
  (void)state;
  disk_mkdir("t");
  disk_mkdir("t/u");
  disk_write("t/u/x", "1");
  assert_int_equal(symlink("u/x", disk_path("t/link")), 0);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t"), BP_LIT("c"), 0, FS_END)), BP_E_TYPE);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t"), BP_LIT("c"), BP_FS_RECURSIVE, FS_END)), BP_OK);
  assert_string_equal(disk_read("c/u/x"), "1");
  assert_string_equal(disk_read("c/link"), "1");
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t"), BP_LIT("c"), BP_FS_RECURSIVE, FS_END)), BP_E_EXISTS);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t"), BP_LIT("t/u/v"), BP_FS_RECURSIVE, FS_END)), BP_E_INVALID);
  assert_int_equal(mkfifo(disk_path("t/u/pipe"), 0600), 0);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t"), BP_LIT("d"), BP_FS_RECURSIVE, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_list("", "", BP_FS_HIDDEN), BP_OK);
  assert_int_equal(fs_result.count, 2);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t/u/x"), BP_LIT("x2"), 0, FS_END)), BP_OK);
  assert_string_equal(disk_read("x2"), "1");
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("t/u/x"), BP_LIT("x2"), 0, FS_END)), BP_E_EXISTS);
}

static void test_links_inside_are_followed_for_reading_only(void **state) {
  (void)state;
  disk_mkdir("d");
  disk_write("d/x", "1");
  assert_int_equal(symlink("d/x", disk_path("file-link")), 0);
  assert_int_equal(symlink("d", disk_path("folder-link")), 0);
  assert_int_equal(symlink("../outside", disk_path("out-link")), 0);
  assert_int_equal(fs_read("file-link"), BP_OK);
  assert_string_equal(fs_result.data, "1");
  assert_int_equal(fs_read("folder-link/x"), BP_OK);
  assert_int_equal(fs_list("folder-link/", "", 0), BP_OK);
  assert_int_equal(fs_read("out-link"), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.stat(fs_test.root, BP_LIT("out-link"), FS_END)), BP_OK);
  assert_int_equal(fs_result.entries[0].kind, BP_FS_LINK);
  assert_int_equal(fs_write("file-link", "2", BP_FS_OVERWRITE), BP_E_DENIED);
  assert_int_equal(fs_write("folder-link/new", "2", BP_FS_PARENTS), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("file-link"), 0, FS_END)), BP_OK);
  assert_string_equal(disk_read("d/x"), "1");
}

static uint32_t listed_target(const char *name) {
  for (uint32_t i = 0; i < fs_result.count; i++)
    if (strcmp(fs_result.entries[i].name, name) == 0)
      return fs_result.entries[i].target_kind;
  return UINT32_MAX;
}

static void test_a_listing_says_what_links_lead_to(void **state) {
  (void)state;
  disk_mkdir("d");
  disk_mkdir("d/e");
  disk_write("d/x", "1");
  disk_write("a", "1");
  assert_int_equal(symlink("x", disk_path("d/to-file")), 0);
  assert_int_equal(symlink("e", disk_path("d/to-folder")), 0);
  assert_int_equal(symlink("../d/to-folder", disk_path("d/to-link")), 0);
  assert_int_equal(symlink("../../outside", disk_path("d/out")), 0);
  assert_int_equal(symlink("/", disk_path("d/absolute")), 0);
  assert_int_equal(symlink("none", disk_path("d/broken")), 0);
  assert_int_equal(symlink("loop", disk_path("d/loop")), 0);
  assert_int_equal(fs_list("d", "", 0), BP_OK);
  assert_int_equal(fs_result.count, 9);
  assert_string_equal(fs_result.entries[0].name, "e");
  assert_string_equal(fs_result.entries[1].name, "to-folder");
  assert_string_equal(fs_result.entries[2].name, "to-link");
  assert_int_equal(fs_result.entries[1].kind, BP_FS_LINK);
  assert_int_equal(listed_target("to-folder"), BP_FS_FOLDER);
  assert_int_equal(listed_target("to-link"), BP_FS_FOLDER);
  assert_int_equal(listed_target("to-file"), BP_FS_FILE);
  static const char *const nothing[] = {"e", "x", "out", "absolute", "broken", "loop"};
  for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
    assert_int_equal(listed_target(nothing[i]), 0);
  assert_int_equal(symlink("d", disk_path("top")), 0);
  assert_int_equal(fs_list("", "", 0), BP_OK);
  assert_int_equal(listed_target("top"), BP_FS_FOLDER);
}

static void test_a_name_that_no_file_system_takes_is_said(void **state) {
  (void)state;
  char path[400];
  memset(path, 'x', sizeof(path));
  path[256] = '\0';
  assert_int_equal(fs_wait(fs_table.mkdir(fs_test.root, str_from(path), 0, FS_END)), BP_E_INVALID);
  assert_non_null(strstr(fs_result.message, "longer than 255 bytes"));
  path[256] = '/';
  path[300] = '\0';
  assert_int_equal(fs_write(path, "1", BP_FS_PARENTS), BP_E_INVALID);
  path[255] = '\0';
  assert_int_equal(fs_write(path, "1", 0), BP_OK);
}

static void test_git_is_not_written_under_any_spelling(void **state) {
  (void)state;
  static const char *const names[] = {
      ".git",    ".GIT", ".git.", ".git ", "git~1", "GIT~1", ".git:", ".git::$INDEX_ALLOCATION", "a\\.git\\x", ".g\xe2\x80\x8cit", "\xef\xbb\xbf.git",
      ".git. . "};
  char path[128];
  disk_mkdir(".git");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    snprintf(path, sizeof(path), "%s/config", names[i]);
    assert_int_equal(fs_write(path, "x", BP_FS_PARENTS), BP_E_DENIED);
    assert_int_equal(fs_wait(fs_table.mkdir(fs_test.root, str_from(names[i]), 0, FS_END)), BP_E_DENIED);
  }
  disk_write("x", "1");
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("x"), BP_LIT(".git/config"), 0, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("x"), BP_LIT(".git/config"), 0, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT(".git"), BP_FS_RECURSIVE, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_write(".gitignore", "x", 0), BP_OK);
  assert_int_equal(fs_write("my.git", "x", 0), BP_OK);
}

static void test_root_flags(void **state) {
  (void)state;
  disk_mkdir(".ssh");
  disk_mkdir("work");
  disk_write(".ssh/id", "secret");
  disk_write("work/.env", "fine");
  assert_int_equal(symlink(".ssh", disk_path("innocent")), 0);
  assert_int_equal(symlink("../.ssh/id", disk_path("work/key")), 0);
  assert_int_equal(fs_table.root_close(fs_test.root), BP_OK);
  fs_open_root(BP_ROOT_NO_DOT | BP_ROOT_READ_ONLY);
  static const char *const hidden[] = {".ssh/id", "work/../.ssh/id", "innocent/id", "work/key", ".ssh"};
  for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
    assert_int_equal(fs_read(hidden[i]), BP_E_DENIED);
  assert_int_equal(fs_read("work/.env"), BP_OK);
  assert_int_equal(fs_list("", "", BP_FS_HIDDEN), BP_OK);
  assert_int_equal(fs_result.count, 2);
  assert_int_equal(fs_write("x", "1", 0), BP_E_DENIED);
}

static void test_a_file_with_two_names_is_refused_where_the_root_says_so(void **state) {
  (void)state;
  disk_write("one", "1");
  char second[512];
  snprintf(second, sizeof(second), "%s", disk_path("two"));
  assert_int_equal(link(disk_path("one"), second), 0);
  assert_int_equal(fs_read("two"), BP_OK);
  assert_int_equal(fs_table.root_close(fs_test.root), BP_OK);
  fs_open_root(BP_ROOT_SINGLE_LINK);
  assert_int_equal(fs_read("two"), BP_E_DENIED);
  assert_int_equal(fs_write("two", "x", BP_FS_OVERWRITE), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("two"), BP_LIT("three"), 0, FS_END)), BP_E_DENIED);
}

static void test_the_hosts_own_folders_are_never_served(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  bp_root root = 0;
  disk_mkdir("home");
  disk_mkdir("home/state");
  disk_mkdir("home/state/deep");
  disk_write("home/state/deep/token", "secret");
  own_folders_add(disk_path("home/state"));
  assert_int_equal(symlink("home/state", disk_path("alias")), 0);
  static const char *const own[] = {"home/state/deep/token", "alias/deep/token", "home/../home/state/deep/token"};
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
    assert_int_equal(fs_read(own[i]), BP_E_DENIED);
  assert_int_equal(fs_list("home/state", "", 0), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.stat(fs_test.root, BP_LIT("home/state"), FS_END)), BP_E_DENIED);
  assert_int_equal(fs_list("home", "", 0), BP_OK);
  assert_int_equal(fs_result.count, 0);
  assert_int_equal(fs_write("home/state/new", "x", BP_FS_PARENTS), BP_E_DENIED);
  assert_int_equal(fs_write("home/state/made/new", "x", BP_FS_PARENTS), BP_E_DENIED);
  assert_false(disk_has("home/state/made"));
  assert_int_equal(fs_wait(fs_table.rename(fs_test.root, BP_LIT("home"), BP_LIT("b"), 0, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("home"), BP_FS_TRASH, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.remove(fs_test.root, BP_LIT("home"), BP_FS_RECURSIVE, FS_END)), BP_E_DENIED);
  assert_int_equal(fs_wait(fs_table.copy(fs_test.root, BP_LIT("home"), BP_LIT("c"), BP_FS_RECURSIVE, FS_END)), BP_E_DENIED);
  assert_string_equal(disk_read("home/state/deep/token"), "secret");
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, str_from(disk_path("home/state/deep")), 0, &root, &err), BP_E_DENIED);
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, str_from(disk_path("alias")), 0, &root, &err), BP_E_DENIED);
  assert_int_equal(root, 0);
}

static void test_roots_are_absolute_folders_that_are_there(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  bp_root root = 0;
  disk_write("file", "");
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, BP_LIT("tmp"), 0, &root, &err), BP_E_INVALID);
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, BP_LIT("/none/none"), 0, &root, &err), BP_E_NOT_FOUND);
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, str_from(disk_path("file")), 0, &root, &err), BP_E_NOT_FOUND);
  assert_int_equal(fs_table.root_open(fs_test.plugin->handle, BP_LIT("/tmp"), 64, &root, &err), BP_E_INVALID);
  assert_int_equal(fs_table.root_close(fs_test.root), BP_OK);
  assert_int_equal(fs_table.root_close(fs_test.root), BP_E_STALE);
  assert_int_equal(fs_read("file"), BP_E_STALE);
}

static void count_end(void *ctx, const bp_fs_result *result) {
  unsigned *ends = ctx;
  assert_true(result->status == BP_OK || result->status == BP_E_CANCELLED);
  ends[result->status == BP_OK ? 0 : 1]++;
}

static void stop(void *arg) {
  (void)arg;
  loop_stop();
}

static void test_every_end_is_told_once_also_when_the_plugin_drains(void **state) {
  (void)state;
  unsigned ends[2] = {0, 0}, begun = 0;
  disk_mkdir("t");
  disk_write("t/x", "1");
  for (unsigned i = 0; i < 40; i++) {
    char name[32];
    snprintf(name, sizeof(name), "c%u", i);
    begun += fs_table.copy(fs_test.root, BP_LIT("t"), str_from(name), BP_FS_RECURSIVE, count_end, ends) == BP_OK;
  }
  while (fs_table.read(fs_test.root, BP_LIT("t/x"), 0, 10, count_end, ends) == BP_OK)
    begun++;
  assert_int_equal(begun, 256);
  plugin_revoke_all(fs_test.plugin);
  workers_cancel(fs_test.plugin);
  for (unsigned i = 0; i < 5000 && workers_pending(fs_test.plugin) > 0; i++) {
    loop_post(stop, NULL);
    loop_run();
    usleep(1000);
  }
  loop_post(stop, NULL);
  loop_run();
  assert_int_equal(ends[0] + ends[1], begun);
  assert_true(ends[1] > 0);
}

static void wait_for_ends(const unsigned *ends, unsigned count) {
  for (unsigned i = 0; i < 5000 && *ends < count; i++) {
    loop_post(stop, NULL);
    loop_run();
    usleep(1000);
  }
  assert_int_equal(*ends, count);
}

static void test_what_waits_is_bounded_in_bytes(void **state) {
  (void)state;
  unsigned ends[2] = {0, 0}, begun = 0;
  disk_write("x", "1");
  while (fs_table.read(fs_test.root, BP_LIT("x"), 0, 16u << 20, count_end, ends) == BP_OK)
    begun++;
  assert_int_equal(begun, 4);
  wait_for_ends(ends, begun);
  assert_int_equal(fs_table.read(fs_test.root, BP_LIT("x"), 0, 16u << 20, count_end, ends), BP_OK);
  wait_for_ends(ends, begun + 1);
}

static void test_the_way_without_openat2_refuses_the_same(void **state) {
  (void)state;
  disk_mkdir("d");
  disk_write("d/x", "1");
  assert_int_equal(symlink("d", disk_path("l")), 0);
  int dir = open(fs_test.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = beneath_open_by_steps(dir, "d//./x", O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  close(fd);
  static const char *const refused[] = {"l/x", "l", "..", "d/../d/x", "/etc/passwd", "d/../../x"};
  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
    assert_int_equal(beneath_open_by_steps(dir, refused[i], O_RDONLY | O_CLOEXEC), -1);
  close(dir);
}

static void test_globs(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *name;
    bool matches;
  } cases[] = {{"*", "", true},
               {"*.txt", "a.txt", true},
               {"*.txt", "a.txt.gz", false},
               {"a*b*c", "axxbyyc", true},
               {"a*b*c", "axxbyy", false},
               {"?", "", false},
               {"?b", "ab", true},
               {"[a-c]x", "bx", true},
               {"[!a-c]x", "bx", false},
               {"[]]", "]", true},
               {"[", "[", true},
               {"[a", "[a", true},
               {"a[", "a[", true},
               {"*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    if (names_match(str_from(cases[i].pattern), str_from(cases[i].name)) != cases[i].matches)
      fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FS_TEST(test_a_file_is_read_in_part_and_described),
      FS_TEST(test_a_listing_is_sorted_paged_and_filtered),
      FS_TEST(test_ten_thousand_entries_are_listed),
      FS_TEST(test_writing_is_atomic_and_keeps_the_mode),
      FS_TEST(test_folders_are_made_renamed_and_removed),
      FS_TEST(test_the_trash_keeps_what_is_removed),
      FS_TEST(test_a_tree_is_copied_whole_or_not_at_all),
      FS_TEST(test_links_inside_are_followed_for_reading_only),
      FS_TEST(test_a_listing_says_what_links_lead_to),
      FS_TEST(test_a_name_that_no_file_system_takes_is_said),
      FS_TEST(test_git_is_not_written_under_any_spelling),
      FS_TEST(test_root_flags),
      FS_TEST(test_a_file_with_two_names_is_refused_where_the_root_says_so),
      FS_TEST(test_the_hosts_own_folders_are_never_served),
      FS_TEST(test_roots_are_absolute_folders_that_are_there),
      FS_TEST(test_every_end_is_told_once_also_when_the_plugin_drains),
      FS_TEST(test_what_waits_is_bounded_in_bytes),
      FS_TEST(test_the_way_without_openat2_refuses_the_same),
      cmocka_unit_test(test_globs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
