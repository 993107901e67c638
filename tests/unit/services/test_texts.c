/* Pure parts of module services: frames of containers' output, the archive with one file, text that is mended and masked. */
#include "../../../modules/kit/kit.c"
#include "../../../modules/kit/lenient.c"
#include "../../../modules/services/frames.c"
#include "../../../modules/services/tar.c"

#include "unit.h"

struct heard {
  char out[64], err[64];
};

static void hear(void *ctx, unsigned stream, bp_str text) {
  struct heard *heard = ctx;
  strncat(stream == 2 ? heard->err : heard->out, text.ptr, text.len);
}

static const char stream[] = "\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\3bad\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1!";

static void frames_come_in_any_pieces(void **state) {
  (void)state;
  for (size_t step = 1; step <= sizeof(stream); step++) {
    struct frames frames = {0};
    struct heard heard = {0};
    for (size_t at = 0; at < sizeof(stream) - 1; at += step) {
      size_t left = sizeof(stream) - 1 - at;
      frames_feed(&frames, bp_str_make(stream + at, left < step ? left : step), hear, &heard);
    }
    assert_string_equal(heard.out, "hello!");
    assert_string_equal(heard.err, "bad");
  }
}

static void text_without_frames_is_stdout(void **state) {
  (void)state;
  struct frames frames = {0};
  struct heard heard = {0};
  frames_feed(&frames, BP_LIT("a terminal's "), hear, &heard);
  frames_feed(&frames, BP_LIT("text"), hear, &heard);
  assert_string_equal(heard.out, "a terminal's text");
}

static void bytes_that_are_no_text_are_mended(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
    size_t len;
  } rows[] = {{"plain", "plain", 5},
              {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9},
              {"a\xff"
               "b",
               "a?b", 3},
              {"\xc3", "?", 1},
              {"\xe0\x80\x80", "???", 3},
              {"\xed\xa0\x80", "???", 3},
              {"\xf5\x80\x80\x80", "????", 4},
              {"\xe2\x82", "??", 2},
              {"a\0b", "a?b", 3}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[16];
    memcpy(text, rows[i].from, rows[i].len);
    kit_mark_bad(text, rows[i].len);
    assert_memory_equal(text, rows[i].to, rows[i].len);
  }
}

static void secrets_become_stars(void **state) {
  (void)state;
  char text[] = "secret! and secret, not secre";
  text_mask(text, strlen(text), "secret");
  assert_string_equal(text, "******! and ******, not secre");
  text_mask(text, strlen(text), "and"); /* too short to be told apart */
  text_mask(text, strlen(text), NULL);
  assert_string_equal(text, "******! and ******, not secre");
}

static void an_archive_holds_its_file(void **state) {
  (void)state;
  char tar[TAR_BYTES];
  unsigned sum = 0, stored = 0;
  tar_one(tar, "some.conf", BP_LIT("line\n"));
  assert_string_equal(tar, "some.conf");
  assert_memory_equal(tar + 124, "00000000005", 12);
  assert_memory_equal(tar + 257, "ustar\00000", 8);
  assert_memory_equal(tar + 512, "line\n", 6);
  assert_int_equal(sscanf(tar + 148, "%o", &stored), 1);
  for (unsigned i = 0; i < 512; i++)
    sum += i >= 148 && i < 156 ? ' ' : (unsigned char)tar[i];
  assert_int_equal(sum, stored);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_come_in_any_pieces),         cmocka_unit_test(text_without_frames_is_stdout),
      cmocka_unit_test(bytes_that_are_no_text_are_mended), cmocka_unit_test(secrets_become_stars),
      cmocka_unit_test(an_archive_holds_its_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
