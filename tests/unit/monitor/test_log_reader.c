/* The monitor's log reader: it goes on where it was, over growth, rotation, cutting, overwriting and lines that are too long. */
#include "../../../modules/monitor/log_reader.c"
#include "unit.h"

struct seen {
  unsigned lines, too_long, partials, stop_after;
  char text[4096];
};

static bool note(void *ctx, const char *line, size_t len) {
  struct seen *seen = ctx;
  seen->lines++;
  if (!line)
    seen->too_long++;
  else
    snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "%.*s|", (int)len, line);
  return seen->lines != seen->stop_after;
}

static bool note_partial(void *ctx, const char *line, size_t len) {
  struct seen *seen = ctx;
  seen->partials++;
  snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text), "(%.*s)", (int)len, line);
  return true;
}

static char folder[64];

static void path_of(const char *name, char path[128]) {
  snprintf(path, 128, "%s/%s", folder, name);
}

static void put(const char *name, const char *mode, const char *text, size_t len) {
  char path[128];
  path_of(name, path);
  FILE *file = fopen(path, mode);
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, len, file), len);
  fclose(file);
}

static void add_text(const char *text) {
  put(LOG_FILE, "a", text, strlen(text));
}

static int set_up(void **state) {
  (void)state;
  snprintf(folder, sizeof(folder), "/tmp/backplane-log-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  char path[128];
  (void)state;
  path_of(LOG_FILE, path);
  unlink(path);
  path_of("moved", path);
  unlink(path);
  return rmdir(folder);
}

/* Reads as scan.c does; `is_new` is whether the log was another one. */
static struct seen look(struct log_position *at, uint64_t most, bool *is_new) {
  struct seen seen = {0};
  const struct log_reading reading = {.line = note, .partial = note_partial, .ctx = &seen};
  int fd = monitor_open_plain(folder, LOG_FILE);
  assert_true(fd >= 0);
  *is_new = !log_continues(fd, at);
  if (*is_new)
    log_begin(fd, most, at);
  log_read(fd, at, &reading);
  close(fd);
  return seen;
}

#define EXPECT(at, expected_new, expected)                                                                                                           \
  do {                                                                                                                                               \
    bool is_other;                                                                                                                                   \
    struct seen got = look((at), UINT64_MAX, &is_other);                                                                                             \
    assert_int_equal(is_other, (expected_new));                                                                                                      \
    assert_string_equal(got.text, (expected));                                                                                                       \
  } while (0)

static void test_growth(void **state) {
  struct log_position at = {0};
  (void)state;
  add_text("");
  EXPECT(&at, true, "");
  add_text("one\n\ntwo\nhal");
  EXPECT(&at, false, "one||two|(hal)");
  EXPECT(&at, false, "(hal)");
  add_text("f\r\n");
  EXPECT(&at, false, "half\r|");
  EXPECT(&at, false, "");
}

static void test_another_log(void **state) {
  struct log_position at = {0};
  char from[128], to[128];
  (void)state;
  add_text("one\n");
  EXPECT(&at, true, "one|");
  path_of(LOG_FILE, from);
  path_of("moved", to);
  rename(from, to);
  add_text("uno\ndue\n");
  EXPECT(&at, true, "uno|due|");
  put(LOG_FILE, "w", "x\n", 2); /* cut: the same file, shorter */
  EXPECT(&at, true, "x|");
  put(LOG_FILE, "w", "yy\nzz\n", 6); /* overwritten: the same file, longer */
  EXPECT(&at, true, "yy|zz|");
}

static void test_long_lines(void **state) {
  struct log_position at = {0};
  char *text = malloc(3 * LINE_BYTES);
  bool is_new;
  (void)state;
  memset(text, 'x', 3 * LINE_BYTES);
  put(LOG_FILE, "a", text, LINE_BYTES);
  add_text("\n");
  struct seen seen = look(&at, UINT64_MAX, &is_new);
  assert_int_equal(seen.lines, 1);
  assert_int_equal(seen.too_long, 0);
  put(LOG_FILE, "a", text, 3 * LINE_BYTES);
  seen = look(&at, UINT64_MAX, &is_new);
  assert_false(is_new);
  assert_int_equal(seen.too_long, 1);
  assert_true(at.is_skipping);
  add_text("rest of it\nnext\n");
  EXPECT(&at, false, "next|");
  free(text);
}

static void test_from_the_end(void **state) {
  struct log_position at = {0};
  bool is_new;
  (void)state;
  add_text("first line\nsecond\nthird\n");
  struct seen seen = look(&at, 10, &is_new);
  assert_string_equal(seen.text, "third|");
}

static void test_stopping(void **state) {
  struct log_position at = {0};
  struct seen seen = {.stop_after = 2};
  const struct log_reading reading = {.line = note, .ctx = &seen};
  (void)state;
  add_text("a\nb\nc\nd");
  int fd = monitor_open_plain(folder, LOG_FILE);
  log_begin(fd, UINT64_MAX, &at);
  log_read(fd, &at, &reading);
  assert_string_equal(seen.text, "a|b|");
  assert_int_equal(at.offset, 4);
  assert_true(log_continues(fd, &at));
  seen.stop_after = 0;
  log_read(fd, &at, &reading);
  close(fd);
  assert_string_equal(seen.text, "a|b|c|");
  assert_int_equal(at.offset, 6);
}

static void test_what_is_no_file(void **state) {
  char path[128];
  (void)state;
  path_of(LOG_FILE, path);
  assert_int_equal(monitor_open_plain(folder, LOG_FILE), -1);
  assert_int_equal(symlink("/etc/passwd", path), 0);
  assert_int_equal(monitor_open_plain(folder, LOG_FILE), -1);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(monitor_open_plain(folder, LOG_FILE), -1);
  unlink(path);
  assert_int_equal(monitor_open_plain("/", "tmp"), -1);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_growth), CASE(test_another_log), CASE(test_long_lines), CASE(test_from_the_end), CASE(test_stopping), CASE(test_what_is_no_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
