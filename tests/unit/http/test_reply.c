/* Unit tests of replies: heads, large ones, files, streams; and of taking a connection over. */
#include "http/application.h"

/* ---- Replies ---- */

static void test_heads_of_replies(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\nGET /z HTTP/1.0\r\nHost: h\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "Content-Length: 4\r\n"));
  assert_int_equal(loopback_count(&in, "/abc"), 0);
  assert_true(loopback_has(&in, "HTTP/1.1 204 No Content\r\n"));
  assert_int_equal(loopback_count(&in, "Content-Length"), 2);
  assert_int_equal(loopback_count(&in, "Date: "), 3);
  assert_int_equal(loopback_count(&in, "Server"), 0);
  assert_int_equal(loopback_count(&in, "Connection: close"), 1);
  assert_true(loopback_has(&in, " GMT\r\n"));
  close(fd);
  buf_release(&in);
}

static void test_an_http10_client_may_keep_the_connection(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  loopback_expect(fd, &in, "/a");
  assert_true(loopback_has(&in, "Connection: keep-alive\r\n"));
  loopback_send_z(fd, "GET /b HTTP/1.0\r\nHost: h\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "/b"));
  close(fd);
  buf_release(&in);
}

static void test_a_large_reply_is_parked_and_arrives_whole(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/last");
  assert_int_equal(loopback_count(&in, "bbbbbbbbbb"), 300000);
  close(fd);
  buf_release(&in);
}

static void test_a_file_is_sent_between_other_replies(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /before HTTP/1.1\r\nHost: h\r\n\r\nGET /file HTTP/1.1\r\nHost: h\r\n\r\nHEAD /file HTTP/1.1\r\nHost: h\r\n\r\nGET /after "
                      "HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/after");
  assert_true(loopback_has(&in, "/before"));
  assert_int_equal(loopback_count(&in, "Content-Length: 2990000\r\n"), 2);
  const char *body = (const char *)memmem(in.data, in.len, "aaaa", 4);
  assert_non_null(body);
  assert_int_equal(body[4999], 'a');
  assert_int_equal(body[5000], 'b');
  assert_int_equal(body[2989999], 'a' + 299 % 26);
  assert_memory_equal(body + 2990000, "HTTP/1.1 200", 12);
  close(fd);
  buf_release(&in);
}

static void test_files_nobody_reads_do_not_pile_up(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  for (int i = 0; i < 8; i++)
    loopback_send_z(fd, "GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_run_for(50);
  assert_in_range(seen.announced, 1, 5);
  loopback_expect_times(fd, &in, "Content-Length: 2990000\r\n", 8);
  assert_int_equal(seen.announced, 8);
  close(fd);
  buf_release(&in);
}

static void test_replies_behind_a_slow_one_do_not_pile_up(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int i = 0; i < 3; i++)
    loopback_send_z(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.deferred_count == 1);
  loopback_until(seen.announced == 2);
  loopback_run_for(20);
  assert_int_equal(seen.announced, 2);
  reply_text(seen.deferred[0], "slow");
  loopback_expect_times(fd, &in, "Content-Length: 3000000\r\n", 3);
  assert_int_equal(seen.announced, 4);
  close(fd);
  buf_release(&in);
}

static void test_a_stream_is_chunked_and_drains(void **state) {
  (void)state;
  struct buf in = {0};
  seen.stream_left = 1000000;
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /stream-out HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "\r\n0\r\n\r\n");
  assert_true(loopback_has(&in, "Transfer-Encoding: chunked\r\n"));
  assert_int_equal(loopback_count(&in, "2710\r\nxxxx"), 100);
  assert_int_equal(loopback_count(&in, "xxxxxxxxxx"), 100000);
  assert_int_equal(seen.drained, 101);
  loopback_send_z(fd, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/next");
  close(fd);
  buf_release(&in);
}

static void test_a_stream_to_http10_ends_with_the_connection(void **state) {
  (void)state;
  struct buf in = {0};
  seen.stream_left = 20000;
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /stream-out HTTP/1.0\r\nHost: h\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_false(loopback_has(&in, "chunked"));
  assert_int_equal(loopback_count(&in, "xxxxxxxxxx"), 2000);
  close(fd);
  buf_release(&in);
}

/* ---- Takeover ---- */

static void test_a_takeover_hands_over_both_directions(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /before HTTP/1.1\r\nHost: h\r\n\r\nGET /raw HTTP/1.1\r\nHost: h\r\n\r\nearly");
  loopback_expect(fd, &in, "hello");
  assert_true(loopback_has(&in, "/before"));
  assert_true(loopback_has(&in, "HTTP/1.1 101 Switching Protocols\r\n"));
  assert_true(loopback_has(&in, "Connection: Upgrade\r\n"));
  assert_true(loopback_has(&in, "Upgrade: test\r\n"));
  assert_int_equal(seen.finished, 2);
  loopback_until(seen.raw_read.len == 5);
  loopback_send_z(fd, " late");
  loopback_until(seen.raw_read.len == 10);
  assert_memory_equal(seen.raw_read.data, "early late", 10);
  raw_want_write(seen.raw, true);
  loopback_until(seen.raw_writable == 1);
  raw_pause_read(seen.raw, true);
  loopback_send_z(fd, "more");
  loopback_run_for(5);
  assert_int_equal(seen.raw_read.len, 10);
  raw_pause_read(seen.raw, false);
  loopback_until(seen.raw_read.len == 14);
  close(fd);
  loopback_until(seen.raw_closed == 1);
  buf_release(&in);
}

static void test_a_takeover_waits_for_the_replies_before_it(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\nGET /raw HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.raw != NULL);
  raw_want_write(seen.raw, true);
  loopback_run_for(5);
  assert_int_equal(seen.raw_writable, 0);
  reply_text(seen.deferred[0], "one");
  loopback_until(seen.raw_writable == 1);
  loopback_expect(fd, &in, "101 Switching");
  const char *one = memmem(in.data, in.len, "one", 3), *two = memmem(in.data, in.len, "101 Switching", 13);
  assert_true(one && one < two);
  raw_close(seen.raw, true);
  loopback_expect_close(fd, &in);
  close(fd);
  loopback_run_for(5);
  assert_int_equal(seen.raw_closed, 0);
  buf_release(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_heads_of_replies),
      TEST(test_an_http10_client_may_keep_the_connection),
      TEST(test_a_large_reply_is_parked_and_arrives_whole),
      TEST(test_a_file_is_sent_between_other_replies),
      TEST(test_files_nobody_reads_do_not_pile_up),
      TEST(test_replies_behind_a_slow_one_do_not_pile_up),
      TEST(test_a_stream_is_chunked_and_drains),
      TEST(test_a_stream_to_http10_ends_with_the_connection),
      TEST(test_a_takeover_hands_over_both_directions),
      TEST(test_a_takeover_waits_for_the_replies_before_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
