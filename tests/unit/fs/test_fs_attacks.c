/* bp.fs/1 against the shared corpus of paths, against folders swapped while it reads, and against a kill while it writes. */
#include "fs/temps.h"
#include "fs_fixture.h"

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>

#define SECRET "SECRET-OUTSIDE"

/* ---- The corpus ---- */

static const char *shared_file(const char *name) {
  static char path[512];
  const char *shared = getenv("BACKPLANE_SHARED");
  snprintf(path, sizeof(path), "%s/attack-corpus/%s", shared ? shared : TEST_SOURCE_DIR "/../shared", name);
  return path;
}

static bool set_up_tree(void) {
  const char *script = shared_file("paths-setup.sh");
  int status = -1;
  if (access(script, R_OK) != 0) {
    print_message("skipped: no corpus at %s (set BACKPLANE_SHARED)\n", script);
    return false;
  }
  pid_t pid = fork();
  if (pid == 0) {
    execlp("sh", "sh", script, fs_test.folder, (char *)NULL);
    _exit(127);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
  return true;
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decoded once, as whoever takes the path from a URL does. False where that is refused already. */
static bool decode_url(const char *url, struct buf *ret) {
  const char *at = strstr(url, "?path=");
  assert_non_null(at);
  for (at += 6; *at; at++) {
    if (*at == '&')
      return false;
    if (*at != '%') {
      buf_append_char(ret, *at);
      continue;
    }
    if (hex(at[1]) < 0 || hex(at[2]) < 0)
      return false;
    buf_append_char(ret, (char)(hex(at[1]) * 16 + hex(at[2])));
    at += 2;
  }
  return true;
}

static bool path_of(const json_t *row, struct buf *ret) {
  const char *url = json_string_value(json_object_get(row, "url_path"));
  const char *encoded = json_string_value(json_object_get(row, "json_path_b64"));
  size_t len = 0;
  if (url)
    return decode_url(url, ret);
  assert_non_null(encoded);
  char *room = buf_reserve(ret, strlen(encoded));
  assert_int_equal(
      sodium_base642bin((unsigned char *)room, strlen(encoded), encoded, strlen(encoded), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
  ret->len = len;
  return true;
}

static void check_row(const json_t *row) {
  struct buf path = {0};
  const char *id = json_string_value(json_object_get(row, "id")), *expect = json_string_value(json_object_get(row, "expect"));
  if (json_object_get(row, "race") || !path_of(row, &path)) {
    buf_release(&path);
    return;
  }
  bp_status status = fs_wait(fs_table.read(fs_test.root, buf_str(&path), 0, 60000, FS_END));
  if (status == BP_OK && (strcmp(fs_result.data, "ok\n") != 0 || strcmp(expect, "reject") == 0))
    fail_msg("%s was read: %s", id, fs_result.data);
  if (strcmp(expect, "in-root") == 0 && status != BP_OK && status != BP_E_NOT_FOUND && status != BP_E_TYPE)
    fail_msg("%s: %s", id, fs_result.message);
  status = fs_wait(fs_table.write(fs_test.root, buf_str(&path), BP_LIT("ok\n"), BP_FS_OVERWRITE | BP_FS_PARENTS, FS_END));
  if (status == BP_OK && strcmp(expect, "reject") == 0)
    fail_msg("%s was written", id);
  buf_release(&path);
}

static const char *outside(const char *name) {
  static char text[64];
  char path[256];
  snprintf(path, sizeof(path), "%s%s", fs_test.base, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[len > 0 ? len : 0] = '\0';
  return text;
}

static void test_every_row_of_the_corpus(void **state) {
  (void)state;
  char *line = NULL;
  size_t room = 0, rows = 0;
  if (!set_up_tree())
    skip();
  fs_table.root_close(fs_test.root);
  fs_open_root(BP_ROOT_SINGLE_LINK);
  FILE *corpus = fopen(shared_file("paths.jsonl"), "re");
  assert_non_null(corpus);
  for (; getline(&line, &room, corpus) > 0; rows++) {
    json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(row);
    check_row(row);
    json_decref(row);
  }
  assert_true(rows > 50);
  free(line);
  fclose(corpus);
  assert_string_equal(outside("/rootsibling/x"), SECRET "\n");
  assert_string_equal(outside("/rootsibling/secret"), SECRET "\n");
}

/* ---- Races ---- */

static int swap_end; /* atomic */

static void *swap_folder_for_link(void *arg) {
  char a[256], b[256];
  (void)arg;
  snprintf(a, sizeof(a), "%s/swap", fs_test.folder);
  snprintf(b, sizeof(b), "%s/other", fs_test.folder);
  while (!__atomic_load_n(&swap_end, __ATOMIC_RELAXED))
    renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
  return NULL;
}

static void race(void (*attack)(void)) {
  pthread_t thread;
  char secret[256];
  snprintf(secret, sizeof(secret), "%s/outside", fs_test.base);
  assert_int_equal(mkdir(secret, 0755), 0);
  disk_mkdir("swap");
  disk_write("swap/x", "inside");
  disk_write("../outside/x", SECRET);
  assert_int_equal(symlink(secret, disk_path("other")), 0);
  swap_end = 0;
  assert_int_equal(pthread_create(&thread, NULL, swap_folder_for_link, NULL), 0);
  attack();
  __atomic_store_n(&swap_end, 1, __ATOMIC_RELAXED);
  pthread_join(thread, NULL);
  assert_string_equal(disk_read("../outside/x"), SECRET);
}

static void read_often(void) {
  unsigned read = 0;
  for (unsigned i = 0; i < 10000; i++) {
    bp_status status = fs_read("swap/x");
    if (status == BP_OK && strcmp(fs_result.data, "inside") != 0)
      fail_msg("read \"%s\"", fs_result.data);
    read += status == BP_OK;
  }
  assert_true(read > 0);
}

static void write_often(void) {
  for (unsigned i = 0; i < 1000; i++)
    (void)fs_write("swap/x", "inside", BP_FS_OVERWRITE);
  for (unsigned i = 0; i < 500; i++) {
    (void)fs_write("swap/new", "inside", BP_FS_PARENTS);
    (void)fs_wait(fs_table.remove(fs_test.root, BP_LIT("swap/new"), 0, FS_END));
  }
  assert_false(disk_has("../outside/new"));
}

static void test_reads_while_a_folder_is_swapped_for_a_link(void **state) {
  (void)state;
  race(read_often);
}

static void test_writes_while_a_folder_is_swapped_for_a_link(void **state) {
  (void)state;
  race(write_often);
}

/* ---- Kills ---- */

#define TEXT_BYTES 50000

/* A text of one letter, so that a mixture shows. */
static void letters(char *text, char letter) {
  memset(text, letter, TEXT_BYTES);
  text[TEXT_BYTES] = '\0';
}

/* In the child: writes for ever. */
static void write_for_ever(void) {
  static char text[TEXT_BYTES + 1];
  if (!loop_init())
    _exit(1);
  fs_test.plugin = plugin_add(BP_LIT("test.child"), "/test.so");
  fs_open_root(0);
  for (unsigned i = 0;; i++) {
    letters(text, (char)('a' + i % 26));
    (void)fs_write("file", text, BP_FS_OVERWRITE);
  }
}

static void test_a_kill_leaves_the_old_or_the_new_text(void **state) {
  (void)state;
  char text[TEXT_BYTES + 1], expected[TEXT_BYTES + 1];
  letters(text, 'a');
  assert_int_equal(fs_write("file", text, 0), BP_OK);
  workers_stop();
  for (unsigned round = 0; round < 30; round++) {
    pid_t pid = fork();
    if (pid == 0)
      write_for_ever();
    usleep(2000 + (unsigned)rand() % 20000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    int fd = open(disk_path("file"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, TEXT_BYTES + 1), TEXT_BYTES);
    close(fd);
    letters(expected, text[0]);
    assert_memory_equal(text, expected, TEXT_BYTES);
  }
}

static unsigned count_temps(void) {
  unsigned count = 0;
  DIR *entries = opendir(fs_test.folder);
  assert_non_null(entries);
  for (const struct dirent *entry; (entry = readdir(entries));)
    count += strncmp(entry->d_name, ".backplane-", 11) == 0;
  closedir(entries);
  return count;
}

static void test_what_a_kill_leaves_is_swept_at_the_next_start(void **state) {
  (void)state;
  char notes[] = "/tmp/backplane-temps-XXXXXX", text[TEXT_BYTES + 1];
  unsigned left = 0;
  letters(text, 'a');
  assert_non_null(mkdtemp(notes));
  assert_int_equal(temps_open(notes, NULL), BP_OK);
  assert_int_equal(fs_write("file", text, 0), BP_OK);
  workers_stop();
  for (unsigned round = 0; round < 200 && left == 0; round++) {
    pid_t pid = fork();
    if (pid == 0)
      write_for_ever();
    usleep(2000 + (unsigned)rand() % 20000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    left = count_temps();
  }
  assert_true(left > 0);
  assert_int_equal(close(open(disk_path(".backplane-mine.tmp"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
  temps_close();
  assert_int_equal(temps_open(notes, NULL), BP_OK);
  assert_int_equal(count_temps(), 1); /* only what a host has made goes */
  temps_close();
  snprintf(text, sizeof(text), "%s/fs-temps", notes);
  assert_int_equal(rmdir(text), 0);
  assert_int_equal(rmdir(notes), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FS_TEST(test_every_row_of_the_corpus),
      FS_TEST(test_reads_while_a_folder_is_swapped_for_a_link),
      FS_TEST(test_writes_while_a_folder_is_swapped_for_a_link),
      FS_TEST(test_a_kill_leaves_the_old_or_the_new_text),
      FS_TEST(test_what_a_kill_leaves_is_swept_at_the_next_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
