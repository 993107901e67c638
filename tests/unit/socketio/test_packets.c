/* Texts of the protocols of module socketio: payloads, packets, base64, and queues of deadlines. */
#include "../../../modules/socketio/engine/base64.c"
#include "../../../modules/socketio/engine/due.c"
#include "../../../modules/socketio/engine/payload.c"
#include "../../../modules/socketio/protocol/packet.c"

#include "unit.h"

static bp_str z(const char *text) {
  return bp_str_make(text, strlen(text));
}

static void assert_text(bp_str text, const char *expected) {
  if (text.len != strlen(expected) || memcmp(text.ptr, expected, text.len) != 0)
    fail_msg("\"%.*s\" is not \"%s\"", (int)text.len, text.ptr, expected);
}

static void base64_goes_both_ways(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
  static const char *const bad[] = {"Z", "Zg=a", "Zg===", "=", "====", "Zm9v=", "Z m8", "Zg-_", "Zm8=Zm8="};
  char out[64];
  size_t len;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    bp_str plain = z(rows[i][0]), text = z(rows[i][1]);
    assert_int_equal(BASE64_BYTES(plain.len), text.len);
    base64_encode(plain, out);
    assert_memory_equal(out, text.ptr, text.len);
    assert_true(base64_decode(text, out, &len));
    assert_int_equal(len, plain.len);
    assert_memory_equal(out, plain.ptr, len);
  }
  assert_true(base64_decode(z("Zm8"), out, &len)); /* without padding */
  assert_int_equal(len, 2);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    if (base64_decode(z(bad[i]), out, &len))
      fail_msg("\"%s\" was taken", bad[i]);
}

static void ids_are_of_their_alphabet(void **state) {
  (void)state;
  for (unsigned c = 0; c < 256; c++) {
    char byte = (char)c;
    base64_id(&byte, 1);
    assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", byte));
  }
}

static void payloads_are_counted_or_refused(void **state) {
  (void)state;
  assert_int_equal(payload_check(z("4hello")), 1);
  assert_int_equal(payload_check(z("4a\x1e"
                                   "4b\x1e"
                                   "bAQI=\x1e"
                                   "3")),
                   4);
  static const char *const bad[] = {"",
                                    "\x1e",
                                    "4a\x1e",
                                    "\x1e"
                                    "4a",
                                    "abc",
                                    "4a\x1e"
                                    "7",
                                    "4a\x1e\x1e"
                                    "4b"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_int_equal(payload_check(z(bad[i])), 0);
  char many[2 * (PAYLOAD_PACKETS_MAX + 1)];
  for (size_t i = 0; i < sizeof(many); i++)
    many[i] = i % 2 ? PAYLOAD_SEPARATOR : '3';
  assert_int_equal(payload_check(bp_str_make(many, 2 * PAYLOAD_PACKETS_MAX - 1)), PAYLOAD_PACKETS_MAX);
  assert_int_equal(payload_check(bp_str_make(many, 2 * PAYLOAD_PACKETS_MAX + 1)), 0);
}

static void packets_are_read(void **state) {
  (void)state;
  struct sio_packet p;
  static const struct {
    const char *text;
    enum sio_type type;
    uint32_t attachments;
    const char *nsp;
    int64_t ack;
    const char *json;
  } rows[] = {
      {"0", SIO_CONNECT, 0, "/", SIO_NO_ACK, ""},
      {"0/admin,{\"a\":1}", SIO_CONNECT, 0, "/admin", SIO_NO_ACK, "{\"a\":1}"},
      {"0/admin", SIO_CONNECT, 0, "/admin", SIO_NO_ACK, ""},
      {"1/admin,", SIO_DISCONNECT, 0, "/admin", SIO_NO_ACK, ""},
      {"2[\"a,b\"]", SIO_EVENT, 0, "/", SIO_NO_ACK, "[\"a,b\"]"},
      {"2/x,12[\"a\"]", SIO_EVENT, 0, "/x", 12, "[\"a\"]"},
      {"3456[]", SIO_ACK, 0, "/", 456, "[]"},
      {"52-/x,7[\"a\"]", SIO_BINARY_EVENT, 2, "/x", 7, "[\"a\"]"},
      {"61-0[]", SIO_BINARY_ACK, 1, "/", 0, "[]"},
      {"50-[\"a\"]", SIO_BINARY_EVENT, 0, "/", SIO_NO_ACK, "[\"a\"]"},
      {"2999999999999999[]", SIO_EVENT, 0, "/", 999999999999999, "[]"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (!sio_packet_parse(z(rows[i].text), &p))
      fail_msg("\"%s\" was refused", rows[i].text);
    assert_int_equal(p.type, rows[i].type);
    assert_int_equal(p.attachments, rows[i].attachments);
    assert_text(p.nsp, rows[i].nsp);
    assert_int_equal(p.ack, rows[i].ack);
    assert_text(p.json, rows[i].json);
  }
}

static void what_is_no_packet_is_refused(void **state) {
  (void)state;
  struct sio_packet p;
  char nsp[400];
  static const char *const bad[] = {"", "7", "a", "5[]", "5-[]", "5x-[]", "599999-[]", "565-[]", "5", "51", "21234567890123456[]", "5-1-[]"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    if (sio_packet_parse(z(bad[i]), &p))
      fail_msg("\"%s\" was taken", bad[i]);
  memset(nsp, 'n', sizeof(nsp));
  memcpy(nsp, "0/", 2);
  assert_false(sio_packet_parse(bp_str_make(nsp, sizeof(nsp)), &p));
  assert_true(sio_packet_parse(bp_str_make(nsp, 257), &p));
}

static void heads_are_written(void **state) {
  (void)state;
  char out[SIO_HEAD_BYTES(8)];
  assert_text(bp_str_make(out, sio_packet_head(out, SIO_EVENT, 0, BP_LIT("/"), SIO_NO_ACK)), "42");
  assert_text(bp_str_make(out, sio_packet_head(out, SIO_ACK, 0, BP_LIT("/a"), 0)), "43/a,0");
  assert_text(bp_str_make(out, sio_packet_head(out, SIO_BINARY_ACK, 12, BP_LIT("/a"), 345)), "4612-/a,345");
}

static void deadlines_are_kept_in_order(void **state) {
  (void)state;
  struct due_queue queue = {0};
  struct due a = {0}, b = {0}, c = {0};
  due_clear(&queue, &a);
  due_set(&queue, &a, 10);
  due_set(&queue, &b, 20);
  due_set(&queue, &c, 15);
  assert_true(queue.first == &a && a.next == &c && c.next == &b && queue.last == &b && b.previous == &c);
  due_set(&queue, &a, 30);
  assert_true(queue.first == &c && queue.last == &a);
  due_clear(&queue, &b);
  due_clear(&queue, &b);
  assert_true(c.next == &a && a.previous == &c);
  due_clear(&queue, &c);
  due_clear(&queue, &a);
  assert_true(!queue.first && !queue.last);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64_goes_both_ways),           cmocka_unit_test(ids_are_of_their_alphabet),
      cmocka_unit_test(payloads_are_counted_or_refused), cmocka_unit_test(packets_are_read),
      cmocka_unit_test(what_is_no_packet_is_refused),    cmocka_unit_test(heads_are_written),
      cmocka_unit_test(deadlines_are_kept_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
