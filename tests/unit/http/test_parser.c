/* Unit tests of the pure parts of host/http: request heads, targets, the chunked decoder. Every table is also run with the
 * input split at every byte: the verdict must not change. */
#include "base/buf.h"
#include "http/chunked.h"
#include "http/limits.h"
#include "http/parser.h"
#include "http/target.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define H "Host: a\r\n"

/* ---- Heads ---- */

struct verdict {
  enum head_result result;
  unsigned status;
  uint32_t len, fields;
};

static struct verdict verdict_of(enum head_result result, const struct head *head) {
  return (struct verdict){result, result == HEAD_ERROR ? head->error_status : 0, result == HEAD_DONE ? head->at : 0, head->field_count};
}

/* Gives the first `step` bytes, then all; each time from memory of exactly that length, so that a read past it is seen. */
static struct verdict read_in_two(bp_str text, size_t step) {
  static struct head head;
  head_init(&head);
  enum head_result result = HEAD_MORE;
  size_t lens[2] = {step, text.len};
  for (int i = 0; i < 2 && result == HEAD_MORE; i++) {
    char *copy = malloc(lens[i] ? lens[i] : 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, lens[i]);
    result = head_read(&head, copy, lens[i]);
    free(copy);
  }
  return verdict_of(result, &head);
}

static struct verdict read_bytewise(bp_str text) {
  static struct head head;
  head_init(&head);
  enum head_result result = HEAD_MORE;
  for (size_t len = 1; len <= text.len && result == HEAD_MORE; len++)
    result = head_read(&head, text.ptr, len);
  return verdict_of(result, &head);
}

static struct verdict read_split(bp_str text) {
  struct verdict whole = read_in_two(text, text.len), bytewise = read_bytewise(text);
  size_t stride = text.len > 4096 ? 97 : 1;
  for (size_t i = 0; i < text.len; i += stride) {
    struct verdict split = read_in_two(text, i);
    assert_memory_equal(&split, &whole, sizeof(split));
  }
  assert_int_equal(bytewise.result, whole.result);
  assert_int_equal(bytewise.status, whole.status);
  assert_int_equal(bytewise.len, whole.len);
  return whole;
}

static void test_good_heads(void **state) {
  (void)state;
  static const char *const good[] = {
      "GET / HTTP/1.1\r\n" H "\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\n" H "\r\n",
      "PURGE!#$%&'*+-.^_`|~09 /x HTTP/1.1\r\n" H "\r\n",
      "GET /a?b=c&d HTTP/1.1\r\nhOST:\t [::1]:8700 \t\r\n\r\n",
      "GET / HTTP/1.1\r\n" H "X-Empty:\r\nX-Blank: \t \r\n\r\n",
      "GET / HTTP/1.1\r\n" H "X-Obs: \xc3\xbc\xff\tx\r\n\r\n",
      "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
      "POST / HTTP/1.1\r\n" H "Content-Length: 007\r\n\r\n",
      "POST / HTTP/1.1\r\n" H "transfer-encoding: CHUNKED\r\n\r\n",
      "POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.0\r\n" H "Expect: something\r\nContent-Length: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost:8700\r\nConnection: keep-alive, Upgrade\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x:\r\n\r\n",
  };
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    struct verdict verdict = read_split(str_from(good[i]));
    if (verdict.result != HEAD_DONE)
      print_error("refused: %s\n", good[i]);
    assert_int_equal(verdict.result, HEAD_DONE);
    assert_int_equal(verdict.len, strlen(good[i]));
  }
}

static void test_bad_heads(void **state) {
  (void)state;
  static const struct {
    unsigned status;
    bp_str text;
  } bad[] = {
      {400, BP_STR("GET /\r\n\r\n")},
      {400, BP_STR("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR(" GET / HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET  / HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET /  HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTP/1.1 \r\n" H "\r\n")},
      {400, BP_STR("GET\t/ HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET /a b HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET /#f HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET /\xc3\xbc HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET /\x7f HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("G@T / HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET / http/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTP/1.1x\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTP/11\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTX/1.1\r\n" H "\r\n")},
      {505, BP_STR("GET / HTTP/2.0\r\n" H "\r\n")},
      {505, BP_STR("GET / HTTP/1.2\r\n" H "\r\n")},
      {505, BP_STR("GET / HTTP/0.9\r\n" H "\r\n")},
      {505, BP_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
      {400, BP_STR("SSH-2.0-OpenSSH_9.2\r\n")},
      {400, BP_STR("\x16\x03\x01\x02\x00\x01\n")},
      {400, BP_STR("GET / HTTP/1.1\n" H "\r\n")},
      {400, BP_STR("\nGET / HTTP/1.1\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: y\nZ: w\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: y\rZ: w\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: y\r\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n X: y\r\n" H "\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: y\r\n z\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X : y\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H ": y\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X(Y): y\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X\0Y: y\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: 12345678\x01xxxxxxxxxxxx\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H "X: 12345678\x7fxxxxxxxxxxxx\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\n" H H "\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost:\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")},
      {400, BP_STR("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: +2\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: -2\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: -0\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: 0x2\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: 2, 2\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: 2\r\ncontent-length: 2\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\x0b"
                   "chunked\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n")},
      {400, BP_STR("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n")},
      {417, BP_STR("POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n")},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct verdict verdict = read_split(bad[i].text);
    if (verdict.result != HEAD_ERROR || verdict.status != bad[i].status)
      print_error("%u: %.*s\n", verdict.status, (int)bad[i].text.len, bad[i].text.ptr);
    assert_int_equal(verdict.result, HEAD_ERROR);
    assert_int_equal(verdict.status, bad[i].status);
  }
}

static void test_an_unfinished_head_waits(void **state) {
  (void)state;
  bp_str head = BP_LIT("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
  for (size_t len = 0; len < head.len; len++)
    assert_int_equal(read_in_two(bp_str_make(head.ptr, len), 0).result, HEAD_MORE);
}

static void add_fill(struct buf *b, const char *before, size_t count, const char *after) {
  buf_append_z(b, before);
  for (size_t i = 0; i < count; i++)
    buf_append_char(b, 'a');
  buf_append_z(b, after);
}

static struct verdict read_filled(const char *before, size_t count, const char *after) {
  struct buf b = {0};
  add_fill(&b, before, count, after);
  struct verdict verdict = read_split(buf_str(&b));
  buf_release(&b);
  return verdict;
}

static void test_limits_of_the_request_line(void **state) {
  (void)state;
  const char *rest = " HTTP/1.1\r\n" H "\r\n";
  assert_int_equal(read_filled("GET /", http_limits.target_bytes - 1, rest).result, HEAD_DONE);
  assert_int_equal(read_filled("GET /", http_limits.target_bytes, rest).status, 414);
  assert_int_equal(read_filled("GET /", 100000, rest).status, 414);
  assert_int_equal(read_filled("GET /", 100000, "").status, 414);
  assert_int_equal(read_filled("", http_limits.method_bytes, " / HTTP/1.1\r\n" H "\r\n").result, HEAD_DONE);
  assert_int_equal(read_filled("", http_limits.method_bytes + 1, " / HTTP/1.1\r\n" H "\r\n").status, 400);
}

static void test_limits_of_the_header_section(void **state) {
  (void)state;
  const char *start = "GET / HTTP/1.1\r\n" H "X: ";
  assert_int_equal(read_filled(start, http_limits.header_line_bytes - 3, "\r\n\r\n").result, HEAD_DONE);
  assert_int_equal(read_filled(start, http_limits.header_line_bytes - 2, "\r\n\r\n").status, 431);
  assert_int_equal(read_filled(start, 200000, "").status, 431);
  for (unsigned count = 99; count <= 101; count++) {
    struct buf b = {0};
    buf_append_z(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 1; i < count; i++)
      buf_append_z(&b, "a:b\r\n");
    buf_append_z(&b, "\r\n");
    struct verdict verdict = read_split(buf_str(&b));
    assert_int_equal(verdict.status, count > http_limits.header_count ? 431 : 0);
    buf_release(&b);
  }
  struct buf b = {0};
  buf_append_z(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
  for (int i = 0; i < 5; i++)
    add_fill(&b, "X: ", 7000, "\r\n");
  buf_append_z(&b, "\r\n");
  assert_int_equal(read_split(buf_str(&b)).status, 431);
  buf_release(&b);
}

static void test_what_a_head_says(void **state) {
  (void)state;
  static struct head head;
  bp_str text = BP_LIT("POST /p?q HTTP/1.0\r\nHost: h:1\r\nContent-Length: 5\r\nConnection: foo , CLOSE,keep-alive\r\nX-A:  v w \r\n\r\nrest");
  head_init(&head);
  assert_int_equal(head_read(&head, text.ptr, text.len), HEAD_DONE);
  assert_int_equal(head.at, text.len - 4);
  assert_true(head.is_http10 && head.says_close && head.says_keep_alive && head.has_length && !head.has_transfer_encoding);
  assert_true(head.content_length == 5);
  assert_str_eq(bp_str_make(text.ptr + head.method.at, head.method.len), "POST");
  assert_str_eq(bp_str_make(text.ptr + head.target.at, head.target.len), "/p?q");
  assert_str_eq(bp_str_make(text.ptr + head.host.at, head.host.len), "h:1");
  assert_int_equal(head.field_count, 4);
  assert_str_eq(bp_str_make(text.ptr + head.fields[3].name.at, head.fields[3].name.len), "X-A");
  assert_str_eq(bp_str_make(text.ptr + head.fields[3].value.at, head.fields[3].value.len), "v w");
}

/* ---- Targets ---- */

static void test_forms_of_targets(void **state) {
  (void)state;
  struct target target;
  assert_true(target_split(BP_LIT("GET"), BP_LIT("/a/b?c?d"), &target));
  assert_str_eq(target.path, "/a/b");
  assert_str_eq(target.query, "c?d");
  assert_true(target_split(BP_LIT("GET"), BP_LIT("HTTP://h:80/x?y"), &target));
  assert_str_eq(target.authority, "h:80");
  assert_str_eq(target.path, "/x");
  assert_str_eq(target.query, "y");
  assert_true(target_split(BP_LIT("GET"), BP_LIT("http://h?y"), &target));
  assert_str_eq(target.path, "/");
  assert_true(target_split(BP_LIT("OPTIONS"), BP_LIT("*"), &target));
  assert_str_eq(target.path, "*");
  static const char *const bad[] = {"*", "h:80", "https://h/", "http://", "http:///x", "http://u@h/", "ftp://h/", "a/b", "?a"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_false(target_split(BP_LIT("GET"), str_from(bad[i]), &target));
}

static void test_paths_are_decoded_once(void **state) {
  (void)state;
  char room[64];
  bp_str path;
  assert_true(target_decode(BP_LIT("/a%20b%2fc%252F%C3%BC+"), room, &path));
  assert_str_eq(path, "/a b\001c%2F\xc3\xbc+");
  static const char *const bad[] = {"/%",   "/%4",     "/%zz", "/%00",       "/%0a",          "/%1F", "/%7f",
                                    "/%C3", "/%C0%AF", "/%FF", "/%ED%A0%80", "/%F4%90%80%80", "/a%",  "/%2"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_false(target_decode(str_from(bad[i]), room, &path));
}

/* ---- Chunked bodies ---- */

struct decoded {
  enum chunk_result result;
  size_t used;
  struct buf body;
};

/* Decodes pieces of `step` bytes. */
static struct decoded decode(bp_str text, size_t step) {
  struct decoded all = {CHUNK_MORE, 0, {0}};
  struct chunked chunks = {0};
  while (all.used < text.len && all.result != CHUNK_END && all.result != CHUNK_ERROR) {
    size_t len = text.len - all.used < step ? text.len - all.used : step, used = 0;
    bp_str data = {0};
    all.result = chunked_read(&chunks, bp_str_make(text.ptr + all.used, len), &used, &data);
    if (all.result == CHUNK_DATA)
      buf_append_str(&all.body, data);
    all.used += used;
    if (all.result == CHUNK_ERROR)
      break;
  }
  return all;
}

static void check_chunks(bp_str text, enum chunk_result expected, const char *body, size_t used) {
  for (size_t step = 1; step <= text.len; step++) {
    struct decoded all = decode(text, step);
    if (all.result != expected)
      print_error("step %zu: %.*s\n", step, (int)(text.len < 80 ? text.len : 80), text.ptr);
    assert_int_equal(all.result, expected);
    if (expected == CHUNK_END) {
      assert_int_equal(all.used, used);
      assert_true(str_eq(buf_str(&all.body), str_from(body)));
    }
    buf_release(&all.body);
    if (step > 64)
      step += 61;
  }
}

static void test_good_chunks(void **state) {
  (void)state;
  check_chunks(BP_LIT("0\r\n\r\n"), CHUNK_END, "", 5);
  check_chunks(BP_LIT("3\r\nabc\r\n0\r\n\r\nGET"), CHUNK_END, "abc", 13);
  check_chunks(BP_LIT("A\r\n0123456789\r\n1\r\nx\r\n000\r\n\r\n"), CHUNK_END, "0123456789x", 28);
  check_chunks(BP_LIT("a;x=\"y z\"\r\n0123456789\r\n0;e\r\nT: v\r\nU:\r\n\r\n"), CHUNK_END, "0123456789", 40);
  check_chunks(BP_LIT("0000000000000001\r\nx\r\n0\r\n\r\n"), CHUNK_END, "x", 26);
}

static void test_bad_chunks(void **state) {
  (void)state;
  static const bp_str bad[] = {
      BP_STR("\r\n"),
      BP_STR(" 1\r\nx"),
      BP_STR("1 \r\nx"),
      BP_STR("0x1\r\n"),
      BP_STR("-1\r\n"),
      BP_STR("+1\r\n"),
      BP_STR("g\r\n"),
      BP_STR("1\nx"),
      BP_STR("1\r\nxy\r\n"),
      BP_STR("1\r\nx\n"),
      BP_STR("1\r\nx\r1"),
      BP_STR("1\rx"),
      BP_STR("FFFFFFFFFFFFFFFF\r\n"),
      BP_STR("8000000000000000\r\n"),
      BP_STR("00000000000000001\r\n"),
      BP_STR("1;a\nx"),
      BP_STR("1;\x01\r\nx"),
      BP_STR(";a\r\n"),
      BP_STR("0\r\n\n"),
      BP_STR("0\r\n: v\r\n"),
      BP_STR("0\r\nT : v\r\n"),
      BP_STR("0\r\n T: v\r\n"),
      BP_STR("0\r\nT: v\r\n w\r\n"),
      BP_STR("0\r\nT: v\n"),
      BP_STR("0\r\nT\r\n"),
      BP_STR("0\r\nT: \x7f\r\n"),
      BP_STR("0\r\n\rx"),
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    check_chunks(bad[i], CHUNK_ERROR, NULL, 0);
}

static void test_limits_of_chunks(void **state) {
  (void)state;
  struct buf b = {0};
  add_fill(&b, "1;", 256, "\r\nx\r\n0\r\n\r\n");
  check_chunks(buf_str(&b), CHUNK_END, "x", b.len);
  buf_clear(&b);
  add_fill(&b, "1;", 257, "\r\nx\r\n0\r\n\r\n");
  check_chunks(buf_str(&b), CHUNK_ERROR, NULL, 0);
  for (unsigned count = 100; count <= 101; count++) {
    buf_clear(&b);
    buf_append_z(&b, "0\r\n");
    for (unsigned i = 0; i < count; i++)
      buf_append_z(&b, "T: v\r\n");
    buf_append_z(&b, "\r\n");
    check_chunks(buf_str(&b), count > http_limits.trailer_count ? CHUNK_ERROR : CHUNK_END, "", b.len);
  }
  buf_clear(&b);
  add_fill(&b, "0\r\nT:", http_limits.header_line_bytes, "\r\n\r\n");
  check_chunks(buf_str(&b), CHUNK_ERROR, NULL, 0);
  buf_clear(&b);
  buf_append_z(&b, "0\r\n");
  for (int i = 0; i < 5; i++)
    add_fill(&b, "T:", 7000, "\r\n");
  buf_append_z(&b, "\r\n");
  check_chunks(buf_str(&b), CHUNK_ERROR, NULL, 0);
  buf_release(&b);
}

static void test_a_chunk_is_announced_before_it_comes(void **state) {
  (void)state;
  struct chunked chunks = {0};
  size_t used;
  bp_str data;
  assert_int_equal(chunked_read(&chunks, BP_LIT("7FFFFFFFFFFFFFFF\r\n"), &used, &data), CHUNK_MORE);
  assert_true(chunked_announced(&chunks) == INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_heads),
      cmocka_unit_test(test_bad_heads),
      cmocka_unit_test(test_an_unfinished_head_waits),
      cmocka_unit_test(test_limits_of_the_request_line),
      cmocka_unit_test(test_limits_of_the_header_section),
      cmocka_unit_test(test_what_a_head_says),
      cmocka_unit_test(test_forms_of_targets),
      cmocka_unit_test(test_paths_are_decoded_once),
      cmocka_unit_test(test_good_chunks),
      cmocka_unit_test(test_bad_chunks),
      cmocka_unit_test(test_limits_of_chunks),
      cmocka_unit_test(test_a_chunk_is_announced_before_it_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
