/* Unit tests of host/base: strings, buffers, handles, maps, masking. */
#include "base/buf.h"
#include "base/io.h"
#include "base/iso_time.h"
#include "base/log_mask.h"
#include "base/slots.h"
#include "base/strmap.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_integer_text_is_strict(void **state) {
  (void)state;
  int64_t value = 7;
  assert_true(str_to_i64(BP_LIT("-9223372036854775808"), &value));
  assert_true(value == INT64_MIN);
  assert_true(str_to_i64(BP_LIT("9223372036854775807"), &value));
  assert_true(value == INT64_MAX);
  assert_false(str_to_i64(BP_LIT("9223372036854775808"), &value));
  assert_false(str_to_i64(BP_LIT("+1"), &value));
  assert_false(str_to_i64(BP_LIT("-"), &value));
  assert_false(str_to_i64(BP_LIT(" 1"), &value));
  assert_true(value == INT64_MAX);
}

static void test_utf8_refuses_what_is_not_well_formed(void **state) {
  (void)state;
  assert_true(str_is_utf8(BP_LIT("a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80")));
  assert_false(str_is_utf8(BP_LIT("\xC0\xAF")));
  assert_false(str_is_utf8(BP_LIT("\xED\xA0\x80")));
  assert_false(str_is_utf8(BP_LIT("\xF4\x90\x80\x80")));
  assert_false(str_is_utf8(BP_LIT("\xE2\x82")));
}

static void test_distance_finds_near_names(void **state) {
  (void)state;
  assert_int_equal(str_distance(BP_LIT("listen"), BP_LIT("listen")), 0);
  assert_int_equal(str_distance(BP_LIT("retention_day"), BP_LIT("retention_days")), 1);
  assert_int_equal(str_distance(BP_LIT("kitten"), BP_LIT("sitting")), 3);
}

static void test_a_stale_handle_finds_nothing(void **state) {
  (void)state;
  struct slots table = {0};
  int a = 1, b = 2;
  uint64_t first = slots_add(&table, &a);
  assert_ptr_equal(slots_get(&table, first), &a);
  assert_ptr_equal(slots_remove(&table, first), &a);
  uint64_t second = slots_add(&table, &b);
  assert_int_equal((uint32_t)first, (uint32_t)second);
  assert_null(slots_get(&table, first));
  assert_null(slots_remove(&table, first));
  assert_ptr_equal(slots_get(&table, second), &b);
  assert_null(slots_get(&table, 0));
  slots_release(&table);
}

static void test_map_survives_growth_and_removal(void **state) {
  (void)state;
  struct strmap map = {0};
  char key[16];
  static int values[500];
  for (int i = 0; i < 500; i++) {
    int len = snprintf(key, sizeof(key), "key-%d", i);
    assert_null(strmap_set(&map, bp_str_make(key, (size_t)len), &values[i]));
  }
  assert_ptr_equal(strmap_remove(&map, BP_LIT("key-7")), &values[7]);
  assert_null(strmap_get(&map, BP_LIT("key-7")));
  assert_ptr_equal(strmap_get(&map, BP_LIT("key-499")), &values[499]);
  uint32_t cursor = 0, seen = 0;
  bp_str found;
  void *value;
  while (strmap_next(&map, &cursor, &found, &value))
    seen++;
  assert_int_equal(seen, 499);
  strmap_release(&map);
}

static void test_buffer_consumes_from_the_front(void **state) {
  (void)state;
  struct buf b = {0};
  buf_append_z(&b, "hello ");
  buf_append_u64(&b, UINT64_MAX);
  buf_consume(&b, 6);
  assert_str_eq(buf_str(&b), "18446744073709551615");
  buf_release(&b);
}

static void assert_masked(const char *before, const char *after) {
  char text[256];
  size_t len = strlen(before);
  memcpy(text, before, len + 1);
  log_mask(text, len);
  assert_string_equal(text, after);
}

static void test_credentials_are_masked(void **state) {
  (void)state;
  assert_masked("https://bob:hunter2@host/x", "https://bob:*******@host/x");
  assert_masked("Authorization: Bearer abc.def", "Authorization: Bearer *******");
  assert_masked("key=sk-ant-0123456789", "key=sk-**************");
  assert_masked("nothing secret here", "nothing secret here");
}

static void assert_text(bp_str text, const char *expected) {
  char copy[64];
  snprintf(copy, sizeof(copy), "%.*s", (int)text.len, text.ptr);
  assert_string_equal(copy, expected);
}

static void test_times_as_text(void **state) {
  char text[ISO_TIME_BYTES];
  (void)state;
  assert_text(iso_time(0, text), "1970-01-01T00:00:00.000Z");
  assert_text(iso_time(1795594620123, text), "2026-11-25T08:17:00.123Z");
  assert_int_equal(iso_time_now(text).len, strlen("2026-11-25T08:17:00.123Z"));
}

static void test_writing_all_goes_on_until_it_fails(void **state) {
  int ends[2];
  char sent[] = "all of it", got[sizeof(sent)] = "";
  (void)state;
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  assert_true(io_write_all(ends[1], bp_str_make(sent, sizeof(sent))));
  assert_int_equal(read(ends[0], got, sizeof(got)), sizeof(sent));
  assert_string_equal(got, sent);
  size_t much = 1 << 20; /* more than a pipe holds: a part is written, then it says that it would block */
  char *zeros = calloc(1, much);
  assert_false(io_write_all(ends[1], bp_str_make(zeros, much)));
  assert_int_equal(errno, EAGAIN);
  free(zeros);
  close(ends[0]);
  close(ends[1]);
  assert_false(io_write_all(-1, BP_LIT("x")));
  assert_false(io_sync_folder_of("/nowhere/at/all"));
  assert_int_equal(errno, ENOENT);
  assert_true(io_sync_folder_of("/tmp/any"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integer_text_is_strict),
      cmocka_unit_test(test_utf8_refuses_what_is_not_well_formed),
      cmocka_unit_test(test_distance_finds_near_names),
      cmocka_unit_test(test_a_stale_handle_finds_nothing),
      cmocka_unit_test(test_map_survives_growth_and_removal),
      cmocka_unit_test(test_buffer_consumes_from_the_front),
      cmocka_unit_test(test_credentials_are_masked),
      cmocka_unit_test(test_times_as_text),
      cmocka_unit_test(test_writing_all_goes_on_until_it_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
