/* Unit tests of request bodies: collected, streamed, thrown away, refused; "100 Continue". */
#include "http/application.h"

/* ---- Bodies ---- */

static void test_bodies_are_collected_plain_and_chunked(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello ");
  loopback_run_for(5);
  loopback_send_z(fd,
                  "plainPOST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n7;x=y\r\nchunked\r\n0\r\nT: v\r\n\r\n");
  loopback_send_z(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  loopback_expect_times(fd, &in, "200 OK", 3);
  assert_true(loopback_has(&in, "\r\n\r\nhello plain"));
  assert_true(loopback_has(&in, "\r\n\r\nhello chunked"));
  assert_true(loopback_has(&in, "Content-Length: 0\r\n"));
  close(fd);
  buf_release(&in);
}

static void test_a_body_over_the_limit_is_refused_before_it_is_sent(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "413 Content Too Large"));
  assert_true(loopback_has(&in, "Connection: close"));
  assert_int_equal(seen.error_status, 413);
  assert_int_equal(seen.finished, 1);
  close(fd);
  buf_clear(&in);
  fd = loopback_connect();
  loopback_send_z(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7FFFFFFFFFFFFFFF\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "413 "));
  close(fd);
  buf_release(&in);
}

static void test_all_bodies_together_have_a_limit(void **state) {
  (void)state;
  struct buf in = {0};
  uint64_t usual = http_limits.body_total_bytes;
  int first = loopback_connect(), second = loopback_connect();
  http_limits.body_total_bytes = 10;
  loopback_send_z(first, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n12345678");
  loopback_run_for(5);
  loopback_send_z(second, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  loopback_expect_close(second, &in);
  assert_true(loopback_has(&in, "503 "));
  buf_clear(&in);
  loopback_send_z(first, "9");
  loopback_expect(first, &in, "\r\n\r\n123456789");
  buf_clear(&in);
  loopback_send_z(first, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789"); /* what was kept is given back */
  loopback_expect(first, &in, "\r\n\r\n0123456789");
  http_limits.body_total_bytes = usual;
  close(first);
  close(second);
  buf_release(&in);
}

static void test_a_large_refused_body_does_not_destroy_the_answer(void **state) {
  (void)state;
  struct buf in = {0}, out = {0};
  int fd = loopback_connect();
  buf_append_z(&out, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
  memset(buf_reserve(&out, 500000), 'x', 500000);
  out.len += 500000;
  loopback_send(fd, buf_str(&out));
  shutdown(fd, SHUT_WR);
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "413 "));
  close(fd);
  buf_release(&in);
  buf_release(&out);
}

static void test_continue_is_sent_only_when_the_body_is_wanted(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  loopback_expect(fd, &in, "HTTP/1.1 100 Continue\r\n\r\n");
  loopback_send_z(fd, "body");
  loopback_expect(fd, &in, "\r\n\r\nbody");
  buf_clear(&in);
  loopback_send_z(fd, "POST /other HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_false(loopback_has(&in, "100 Continue"));
  assert_true(loopback_has(&in, "Connection: close"));
  close(fd);
  buf_release(&in);
}

static void test_an_unwanted_body_is_thrown_away(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345GET /y HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/y");
  buf_clear(&in);
  loopback_send_z(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "Connection: close"));
  close(fd);
  buf_release(&in);
}

static void test_a_streamed_body_can_be_paused(void **state) {
  (void)state;
  struct buf in = {0}, out = {0};
  int fd = loopback_connect();
  buf_append_z(&out, "POST /stream-in-slow HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
  memset(buf_reserve(&out, 300000), 'x', 300000);
  out.len += 300000;
  size_t at = 0;
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  while (seen.stream_ends == 0 && loopback_now_ms() < end_ms) {
    ssize_t sent = at < out.len ? send(fd, out.data + at, out.len - at, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    at += sent > 0 ? (size_t)sent : 0;
    size_t before = seen.streamed.len;
    loopback_run_for(2);
    assert_true(seen.streamed.len - before <= 65536);
    if (seen.streamed.len > before && seen.stream_ends == 0)
      exchange_body_pause(seen.deferred[0], false);
  }
  assert_int_equal(seen.streamed.len, 300000);
  loopback_expect(fd, &in, "streamed in");
  close(fd);
  buf_release(&in);
  buf_release(&out);
}

static void test_a_paused_body_does_not_outlive_its_reply(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /stream-in-slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  loopback_until(seen.streamed.len == 1);
  reply_text(seen.deferred[0], "enough");
  loopback_expect(fd, &in, "enough");
  loopback_send_z(fd, "2\r\nyz\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/next");
  assert_int_equal(seen.streamed.len, 1);
  close(fd);
  buf_release(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_bodies_are_collected_plain_and_chunked),
      TEST(test_a_body_over_the_limit_is_refused_before_it_is_sent),
      TEST(test_all_bodies_together_have_a_limit),
      TEST(test_a_large_refused_body_does_not_destroy_the_answer),
      TEST(test_continue_is_sent_only_when_the_body_is_wanted),
      TEST(test_an_unwanted_body_is_thrown_away),
      TEST(test_a_streamed_body_can_be_paused),
      TEST(test_a_paused_body_does_not_outlive_its_reply),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
