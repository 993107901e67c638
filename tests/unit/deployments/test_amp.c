/* PM2's frames: as the JavaScript library writes them, split at every byte, merged, broken, too large, and random. */
#include "../unit.h"

#include "../../../modules/deployments/amp.c"

static const char two[] = "\x12\0\0\0\x05j:{}\n\0\0\0\x06s:id:1";
#define TWO_BYTES (sizeof(two) - 1)

static void expect_two(const struct amp_frame *frame) {
  assert_int_equal(frame->count, 2);
  assert_str_eq(amp_typed(frame, 0, 'j'), "{}\n");
  assert_str_eq(amp_typed(frame, 1, 's'), "id:1");
  assert_null(amp_typed(frame, 0, 's').ptr);
  assert_null(amp_typed(frame, 2, 's').ptr);
}

static void frames_are_read_however_they_are_split(void **state) {
  (void)state;
  for (size_t cut = 0; cut <= TWO_BYTES; cut++) {
    struct amp amp = {0};
    struct amp_frame frame;
    assert_true(amp_add(&amp, two, cut));
    if (cut < TWO_BYTES)
      assert_int_equal(amp_next(&amp, &frame), AMP_MORE);
    assert_true(amp_add(&amp, two + cut, TWO_BYTES - cut));
    assert_int_equal(amp_next(&amp, &frame), AMP_FRAME);
    expect_two(&frame);
    assert_int_equal(amp_next(&amp, &frame), AMP_MORE);
    amp_release(&amp);
  }
}

static void merged_frames_come_one_by_one(void **state) {
  struct amp amp = {0};
  struct amp_frame frame;
  (void)state;
  for (int i = 0; i < 100; i++)
    assert_true(amp_add(&amp, two, TWO_BYTES));
  assert_true(amp_add(&amp, two, 7));
  for (int i = 0; i < 100; i++) {
    assert_int_equal(amp_next(&amp, &frame), AMP_FRAME);
    expect_two(&frame);
  }
  assert_int_equal(amp_next(&amp, &frame), AMP_MORE);
  assert_true(amp_add(&amp, two + 7, TWO_BYTES - 7));
  assert_int_equal(amp_next(&amp, &frame), AMP_FRAME);
  expect_two(&frame);
  amp_release(&amp);
}

static void expect_broken(const char *bytes, size_t len) {
  struct amp amp = {0};
  struct amp_frame frame;
  assert_true(amp_add(&amp, bytes, len));
  assert_int_equal(amp_next(&amp, &frame), AMP_BROKEN);
  amp_release(&amp);
}

static void what_is_no_amp_is_broken(void **state) {
  (void)state;
  expect_broken("\x22", 1); /* another version */
  expect_broken("\x10", 1); /* no arguments */
  expect_broken("GET / HTTP/1.1\r\n\r\n", 18);
  expect_broken("\x11\xff\xff\xff\xff", 5); /* longer than the limit: refused before it is stored */
  expect_broken("\x11\x00\x80\x00\x01", 5);
  expect_broken("\x12\0\0\0\0\x7f\xff\xff\xff", 9);
}

static void empty_and_short_arguments_have_no_type(void **state) {
  struct amp amp = {0};
  struct amp_frame frame;
  (void)state;
  assert_true(amp_add(&amp, "\x13\0\0\0\0\0\0\0\x01j\0\0\0\x02j:", 1 + 4 + 4 + 1 + 4 + 2));
  assert_int_equal(amp_next(&amp, &frame), AMP_FRAME);
  assert_null(amp_typed(&frame, 0, 'j').ptr);
  assert_null(amp_typed(&frame, 1, 'j').ptr);
  assert_non_null(amp_typed(&frame, 2, 'j').ptr);
  assert_int_equal(amp_typed(&frame, 2, 'j').len, 0);
  amp_release(&amp);
}

static void a_request_reads_back(void **state) {
  struct amp amp = {0};
  struct amp_frame frame;
  size_t len = 0;
  (void)state;
  char *bytes = amp_request(BP_LIT("{\"type\":\"call\"}"), BP_LIT("bp:7"), &len);
  assert_non_null(bytes);
  assert_true(amp_add(&amp, bytes, len));
  assert_int_equal(amp_next(&amp, &frame), AMP_FRAME);
  assert_str_eq(amp_typed(&frame, 0, 'j'), "{\"type\":\"call\"}");
  assert_str_eq(amp_typed(&frame, 1, 's'), "bp:7");
  free(bytes);
  amp_release(&amp);
}

/* Frames with some bytes changed, added in random pieces: whatever comes of it lies within what was added. */
static void random_bytes_never_lead_outside(void **state) {
  uint32_t seed = 12345;
  (void)state;
  for (int round = 0; round < 20000; round++) {
    char bytes[3 * TWO_BYTES];
    struct amp amp = {0};
    for (size_t i = 0; i < sizeof(bytes); i++)
      bytes[i] = two[i % TWO_BYTES];
    for (int i = 0; i < 3; i++) {
      seed = seed * 1664525 + 1013904223;
      bytes[(seed >> 8) % sizeof(bytes)] = (char)(seed >> 24);
    }
    enum amp_result result = AMP_MORE;
    for (size_t at = 0; at < sizeof(bytes) && result != AMP_BROKEN;) {
      struct amp_frame frame;
      seed = seed * 1664525 + 1013904223;
      size_t piece = 1 + (seed >> 16) % 20;
      piece = piece > sizeof(bytes) - at ? sizeof(bytes) - at : piece;
      assert_true(amp_add(&amp, bytes + at, piece));
      at += piece;
      while ((result = amp_next(&amp, &frame)) == AMP_FRAME)
        for (unsigned i = 0; i < frame.count; i++)
          assert_true(frame.arguments[i].ptr >= amp.data && frame.arguments[i].ptr + frame.arguments[i].len <= amp.data + amp.len);
    }
    amp_release(&amp);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_read_however_they_are_split),
      cmocka_unit_test(merged_frames_come_one_by_one),
      cmocka_unit_test(what_is_no_amp_is_broken),
      cmocka_unit_test(empty_and_short_arguments_have_no_type),
      cmocka_unit_test(a_request_reads_back),
      cmocka_unit_test(random_bytes_never_lead_outside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
