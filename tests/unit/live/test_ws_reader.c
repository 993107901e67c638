/* Reading client frames: the corpus whole and byte by byte, size limits from the header, and engines that are lent. */
#include "live/ws_reader.h"
#include "unit.h"

#include "corpus.h"

struct seen {
  char pong[256];
  size_t pong_len;
  unsigned messages;
  size_t message_len;
};

static void on_message(void *owner, uint32_t type, bp_str data) {
  (void)type;
  struct seen *seen = owner;
  seen->messages++;
  seen->message_len = data.len;
}

static void on_ping(void *owner, bp_str bytes) {
  struct seen *seen = owner;
  if (seen->pong_len + bytes.len > sizeof(seen->pong))
    return;
  memcpy(seen->pong + seen->pong_len, bytes.ptr, bytes.len);
  seen->pong_len += bytes.len;
}

static const struct ws_reader_events events = {.message = on_message, .ping = on_ping};

static enum ws_reading feed(const unsigned char *bytes, size_t len, size_t step, struct seen *seen, struct ws_end *end) {
  struct ws_reader reader = {0};
  enum ws_reading reading = WS_GOES_ON;
  for (size_t at = 0; at < len && reading == WS_GOES_ON; at += step) {
    size_t part = len - at < step ? len - at : step;
    reading = ws_reader_feed(&reader, &events, seen, bp_str_make((const char *)bytes + at, part), end);
  }
  ws_reader_release(&reader);
  return reading;
}

/* A close without a cause that corpus rows name stands for "the connection is only closed by its timer". */
static void check_row(const json_t *row, const unsigned char *bytes, size_t len, size_t step) {
  struct seen seen = {0};
  struct ws_end end = {0};
  enum ws_reading reading = feed(bytes, len, step, &seen, &end);
  const json_t *expected = json_object_get(json_object_get(row, "expect"), "close");
  const char *id = json_string_value(json_object_get(row, "id"));
  bool is_right = json_is_string(expected) ? reading == WS_GOES_ON : reading != WS_GOES_ON && corpus_expects(expected, end.code);
  if (!is_right)
    fail_msg("%s, %zu bytes at a time: reading %d, code %u", id, step, (int)reading, end.code);
  size_t pong_len = 0;
  unsigned char *pong = corpus_bytes(json_object_get(row, "expect"), "pong", &pong_len);
  if (pong) {
    assert_int_equal(seen.pong_len, pong_len);
    assert_memory_equal(seen.pong, pong, pong_len);
  }
  free(pong);
}

static void run_row(const json_t *row) {
  size_t len = 0;
  unsigned char *bytes = corpus_bytes(row, "frames_b64", &len);
  if (!bytes)
    return;
  check_row(row, bytes, len, len);
  check_row(row, bytes, len, 1);
  check_row(row, bytes, len, 7);
  free(bytes);
}

static void every_corpus_row_holds(void **state) {
  (void)state;
  corpus_each(run_row);
}

/* Small frames written out, so that this holds without the corpus. Mask key 0 keeps them readable. */
#define MASK0 "\x00\x00\x00\x00"

static void expect_end(const char *bytes, size_t len, enum ws_reading reading, uint32_t code) {
  for (size_t step = 1; step <= len; step += len > 1 ? len - 1 : 1) {
    struct seen seen = {0};
    struct ws_end end = {0};
    assert_int_equal(feed((const unsigned char *)bytes, len, step, &seen, &end), reading);
    if (reading != WS_GOES_ON)
      assert_int_equal(end.code, code);
  }
}

#define EXPECT_END(literal, reading, code) expect_end((literal), sizeof(literal) - 1, (reading), (code))

static void rules(void **state) {
  (void)state;
  EXPECT_END("\x81\x82" MASK0 "hi", WS_GOES_ON, 0);
  EXPECT_END("\x81\x02hi", WS_FAILED, 1002);
  EXPECT_END("\xc1\x80" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x83\x80" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x80\x80" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x09\x80" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x89\xfe\x00\x7e", WS_FAILED, 1002);
  EXPECT_END("\x81\xfe\x00\x7d" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" MASK0, WS_FAILED, 1002);
  EXPECT_END("\x81\xff\x00\x00\x00\x00\x00\x10\x00\x01" MASK0, WS_FAILED, 1009);
  EXPECT_END("\x81\x81" MASK0 "\xff", WS_FAILED, 1007);
  EXPECT_END("\x88\x80" MASK0, WS_CLOSED_BY_PEER, 1005);
  EXPECT_END("\x88\x82" MASK0 "\x03\xe8", WS_CLOSED_BY_PEER, 1000);
  EXPECT_END("\x88\x82" MASK0 "\x03\xed", WS_FAILED, 1002);
  EXPECT_END("\x88\x84" MASK0 "\x03\xe8\xff\xff", WS_FAILED, 1007);
  EXPECT_END("\x88\x82" MASK0 "\x03\xe8\x81\x02hi", WS_CLOSED_BY_PEER, 1000);
}

static void message_of_a_mebibyte_in_fragments(void **state) {
  (void)state;
  static char fragment[8 + (1 << 15)];
  struct ws_reader reader = {0};
  struct seen seen = {0};
  struct ws_end end;
  for (int i = 0; i < 33; i++) {
    memcpy(fragment, i == 0 ? "\x02\xfe\x80\x00" MASK0 : "\x00\xfe\x80\x00" MASK0, 8);
    size_t header = 8, payload = 1 << 15;
    bool is_last = i == 32;
    if (is_last) {
      memcpy(fragment, "\x80\x80" MASK0, 6);
      header = 6;
      payload = 0;
    }
    assert_int_equal(ws_reader_feed(&reader, &events, &seen, bp_str_make(fragment, header + payload), &end), WS_GOES_ON);
    assert_int_equal(ws_reader_is_at_rest(&reader), is_last);
  }
  assert_int_equal(seen.messages, 1);
  assert_int_equal(seen.message_len, WS_MESSAGE_MAX);
  assert_null(reader.engine);
  ws_reader_release(&reader);
}

static void too_many_fragments(void **state) {
  (void)state;
  struct ws_reader reader = {0};
  struct seen seen = {0};
  struct ws_end end;
  enum ws_reading reading = WS_GOES_ON;
  unsigned fed = 0;
  for (; reading == WS_GOES_ON && fed < 5000; fed++)
    reading = ws_reader_feed(&reader, &events, &seen, bp_str_make(fed ? "\x00\x80" MASK0 : "\x01\x80" MASK0, 6), &end);
  assert_int_equal(reading, WS_FAILED);
  assert_int_equal(end.code, 1009);
  assert_int_equal(fed, WS_FRAGMENTS_MAX + 1);
  assert_null(reader.engine);
}

/* Many connections in the middle of a message, then at rest: each has its own state. */
static void engines_do_not_mix(void **state) {
  (void)state;
  struct ws_reader readers[10] = {0};
  struct seen seen[10] = {0};
  struct ws_end end;
  for (int i = 0; i < 10; i++)
    assert_int_equal(ws_reader_feed(&readers[i], &events, &seen[i], bp_str_make("\x01\x82" MASK0 "ab", 8), &end), WS_GOES_ON);
  for (int i = 0; i < 10; i++) {
    assert_non_null(readers[i].engine);
    assert_int_equal(ws_reader_feed(&readers[i], &events, &seen[i], bp_str_make("\x80\x81" MASK0 "c", 7), &end), WS_GOES_ON);
    assert_null(readers[i].engine);
    assert_int_equal(seen[i].messages, 1);
    assert_int_equal(seen[i].message_len, 3);
  }
}

static int teardown(void **state) {
  (void)state;
  ws_reader_cleanup();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_corpus_row_holds),
      cmocka_unit_test(rules),
      cmocka_unit_test(message_of_a_mebibyte_in_fragments),
      cmocka_unit_test(too_many_fragments),
      cmocka_unit_test(engines_do_not_mix),
  };
  return cmocka_run_group_tests(tests, NULL, teardown);
}
