/* Wire images, and the digest of the handshake. */
#include "live/image.h"
#include "live/sha1.h"
#include "unit.h"

#include <stdio.h>

static void expect(struct frame *frame, const void *bytes, size_t len) {
  assert_non_null(frame);
  assert_int_equal(frame->len, len);
  assert_memory_equal(frame->data, bytes, len);
  frame_unref(frame);
}

#define EXPECT(frame, literal) expect((frame), (literal), sizeof(literal) - 1)

static void ws_lengths(void **state) {
  (void)state;
  static char payload[70000];
  EXPECT(image_ws(WS_TEXT, BP_LIT("hi")), "\x81\x02hi");
  struct frame *frame = image_ws(WS_BINARY, bp_str_make(payload, 126));
  assert_memory_equal(frame->data, "\x82\x7e\x00\x7e", 4);
  frame_unref(frame);
  frame = image_ws(WS_TEXT, bp_str_make(payload, 65535));
  assert_memory_equal(frame->data, "\x81\x7e\xff\xff", 4);
  frame_unref(frame);
  frame = image_ws(WS_TEXT, bp_str_make(payload, 65536));
  assert_memory_equal(frame->data, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
  assert_int_equal(frame->len, 65546);
  frame_unref(frame);
}

static void ws_close_frames(void **state) {
  (void)state;
  EXPECT(image_ws_close(1001, (bp_str){0}), "\x88\x02\x03\xe9");
  EXPECT(image_ws_close(1013, BP_LIT("slow")), "\x88\x06\x03\xf5slow");
}

static void sse_blocks(void **state) {
  (void)state;
  EXPECT(image_sse(7, BP_LIT("n"), BP_LIT("{}")), "id: 7\nevent: n\ndata: {}\n\n");
  EXPECT(image_sse(0, (bp_str){0}, BP_LIT("x")), "data: x\n\n");
  EXPECT(image_sse(1, (bp_str){0}, (bp_str){0}), "id: 1\ndata: \n\n");
}

static void sse_data_is_split_at_line_ends(void **state) {
  (void)state;
  EXPECT(image_sse(0, (bp_str){0}, BP_LIT("a\nb\r\nc\rd\n")), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT(image_sse(0, BP_LIT("e\nid: 9"), BP_LIT("x")), "event: eid: 9\ndata: x\n\n");
}

static void expect_digest(bp_str text, const char *hex) {
  unsigned char digest[SHA1_BYTES];
  char shown[2 * SHA1_BYTES + 1];
  sha1(text.ptr, text.len, digest);
  for (int i = 0; i < SHA1_BYTES; i++)
    snprintf(shown + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
  assert_string_equal(shown, hex);
}

static void sha1_vectors(void **state) {
  (void)state;
  expect_digest(BP_LIT(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  expect_digest(BP_LIT("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  expect_digest(BP_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  expect_digest(BP_LIT("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"), "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ws_lengths),   cmocka_unit_test(ws_close_frames),
      cmocka_unit_test(sse_blocks),   cmocka_unit_test(sse_data_is_split_at_line_ends),
      cmocka_unit_test(sha1_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
