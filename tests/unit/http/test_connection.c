/* Unit tests of connections: order and pipelining, clients that leave, errors and deadlines. */
#include "http/application.h"

/* ---- Order and pipelining ---- */

static void test_a_thousand_pipelined_requests_are_answered_in_order(void **state) {
  (void)state;
  struct buf out = {0}, in = {0};
  for (int i = 0; i < 1000; i++)
    buf_printf(&out, "GET /n%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
  int fd = loopback_connect();
  loopback_send(fd, buf_str(&out));
  loopback_expect_times(fd, &in, "HTTP/1.1 200 OK", 1000);
  loopback_expect(fd, &in, "/n999");
  const char *at = in.data;
  for (int i = 0; i < 1000; i++) {
    char text[32];
    snprintf(text, sizeof(text), "\r\n\r\n/n%d", i);
    at = memmem(at, (size_t)(in.data + in.len - at), text, strlen(text));
    assert_non_null(at);
  }
  assert_int_equal(seen.finished, 1000);
  close(fd);
  buf_release(&out);
  buf_release(&in);
}

static void test_deferred_replies_leave_in_request_order(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(
      fd, "GET /defer/a HTTP/1.1\r\nHost: h\r\nX-A: first\r\n\r\nGET /defer/%62 HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.announced == 3);
  bp_str value;
  assert_true(exchange_header(seen.deferred[0], "x-a", &value));
  assert_str_eq(value, "first");
  assert_str_eq(seen.deferred[0]->path, "/defer/a");
  assert_str_eq(seen.deferred[1]->path, "/defer/b");
  assert_str_eq(seen.deferred[1]->target, "/defer/%62");
  reply_text(seen.deferred[1], "second");
  loopback_run_for(5);
  loopback_receive(fd, &in);
  assert_int_equal(in.len, 0);
  reply_text(seen.deferred[0], "first");
  loopback_expect(fd, &in, "/c");
  const char *first = memmem(in.data, in.len, "\r\n\r\nfirst", 9);
  const char *second = memmem(in.data, in.len, "\r\n\r\nsecond", 10);
  assert_true(first && second && first < second);
  assert_int_equal(seen.finished, 3);
  close(fd);
  buf_release(&in);
}

static void test_a_request_behind_an_unsafe_one_waits(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /defer HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.announced == 1);
  loopback_run_for(10);
  assert_int_equal(seen.announced, 1);
  reply_text(seen.deferred[0], "done");
  loopback_expect(fd, &in, "/after");
  assert_true(loopback_has(&in, "done"));
  close(fd);
  buf_release(&in);
}

static void test_pipeline_depth_pauses_reading(void **state) {
  (void)state;
  http_limits.pipeline_depth = 3;
  struct buf in = {0};
  int fd = loopback_connect();
  for (int i = 0; i < 6; i++)
    loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_run_for(10);
  assert_int_equal(seen.announced, 3);
  for (unsigned i = 0; i < 6; i++) {
    loopback_until(seen.deferred_count > i);
    reply_text(seen.deferred[i], "x");
  }
  loopback_expect_times(fd, &in, "200 OK", 6);
  close(fd);
  buf_release(&in);
}

/* ---- The client leaves ---- */

static void test_a_client_that_closes_is_noticed_behind_a_deferred_reply(void **state) {
  (void)state;
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.deferred_count == 1);
  close(fd);
  loopback_until(seen.gone == 1);
  assert_int_equal(seen.why, HTTP_GONE_CLIENT);
  assert_int_equal(seen.finished, 1);
}

static void test_a_reset_is_noticed(void **state) {
  (void)state;
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.deferred_count == 1);
  struct linger now = {.l_onoff = 1};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd);
  loopback_until(seen.gone == 1);
}

static void test_a_half_closed_client_gets_its_answer(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\nGET /two HTTP/1.1\r\nHost: h\r\n\r\n");
  shutdown(fd, SHUT_WR);
  loopback_until(seen.deferred_count == 1);
  loopback_run_for(700);
  assert_int_equal(seen.gone, 0);
  reply_text(seen.deferred[0], "late");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "late"));
  assert_true(loopback_has(&in, "/two"));
  close(fd);
  buf_release(&in);
}

static void test_a_half_closed_client_that_leaves_is_noticed(void **state) {
  (void)state;
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  shutdown(fd, SHUT_WR);
  loopback_until(seen.deferred_count == 1);
  loopback_run_for(20);
  assert_int_equal(seen.gone, 0);
  close(fd);
  loopback_until(seen.gone == 1);
}

static void test_a_client_that_leaves_inside_a_body_is_noticed(void **state) {
  (void)state;
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /stream-in HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
  loopback_until(seen.streamed.len == 3);
  shutdown(fd, SHUT_WR);
  loopback_until(seen.gone == 1);
  assert_int_equal(seen.stream_ends, 0);
  assert_int_equal(seen.finished, 1);
  close(fd);
}

static void test_a_client_that_leaves_behind_a_paused_body_is_noticed(void **state) {
  (void)state;
  struct buf out = {0};
  int fd = loopback_connect();
  buf_append_z(&out, "POST /stream-in-slow HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n");
  memset(buf_reserve(&out, 5000000), 'x', 5000000);
  out.len += 5000000;
  for (size_t at = 0, idle = 0; at < out.len && idle < 20;) {
    ssize_t sent = send(fd, out.data + at, out.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    at += sent > 0 ? (size_t)sent : 0;
    idle = sent > 0 ? 0 : idle + 1;
    loopback_rest();
  }
  assert_true(seen.streamed.len > 0);
  close(fd); /* its end waits behind bytes that are not read */
  loopback_until(seen.gone == 1);
  assert_int_equal(seen.finished, 1);
  buf_release(&out);
}

/* ---- Errors and deadlines ---- */

static void test_after_a_framing_error_nothing_more_is_read(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_int_equal(loopback_count(&in, "HTTP/1.1 "), 2);
  assert_true(loopback_has(&in, "400 Bad Request"));
  assert_int_equal(seen.announced, 1);
  assert_int_equal(seen.finished, 2);
  close(fd);
  buf_release(&in);
}

static void test_a_trickled_head_meets_its_deadline(void **state) {
  (void)state;
  http_limits.header_deadline_ms = 300;
  struct buf in = {0};
  int fd = loopback_connect();
  bool is_open = true;
  const char *head = "GET /a HTTP/1.1\r\nHost: h\r\nX-A: 123456789012345678901234567890\r\n";
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  for (size_t i = 0; is_open && loopback_now_ms() < end_ms; i++) {
    loopback_send(fd, bp_str_make(head + i % strlen(head), i < strlen(head) ? 1 : 0));
    loopback_run_for(20);
    is_open = loopback_receive(fd, &in);
  }
  assert_false(is_open);
  assert_true(loopback_has(&in, "408 Request Timeout"));
  close(fd);
  buf_release(&in);
}

static void test_a_silent_body_times_out(void **state) {
  (void)state;
  http_limits.body_idle_ms = 300;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "POST /stream-in HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "408 "));
  assert_int_equal(seen.finished, 1);
  close(fd);
  buf_release(&in);
}

static void test_an_idle_connection_is_closed(void **state) {
  (void)state;
  http_limits.keep_alive_ms = 300;
  struct buf in = {0};
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect_close(fd, &in);
  assert_true(loopback_has(&in, "/a"));
  assert_int_equal(seen.errors, 0);
  close(fd);
  buf_release(&in);
}

static void test_a_client_that_does_not_read_is_cut(void **state) {
  (void)state;
  http_limits.write_stall_ms = 300;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(loopback_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  for (int i = 0; i < 4; i++)
    loopback_send_z(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(http_counters()->connections == 1);
  loopback_until(http_counters()->connections == 0);
  close(fd);
}

static void test_parked_output_pauses_reading(void **state) {
  (void)state;
  struct buf in = {0};
  int fd = loopback_connect();
  for (int i = 0; i < 8; i++)
    loopback_send_z(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_run_for(20);
  assert_true(seen.announced < 6);
  loopback_expect_times(fd, &in, "HTTP/1.1 200 OK", 8);
  close(fd);
  buf_release(&in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_thousand_pipelined_requests_are_answered_in_order),
      TEST(test_deferred_replies_leave_in_request_order),
      TEST(test_a_request_behind_an_unsafe_one_waits),
      TEST(test_pipeline_depth_pauses_reading),
      TEST(test_a_client_that_closes_is_noticed_behind_a_deferred_reply),
      TEST(test_a_reset_is_noticed),
      TEST(test_a_half_closed_client_gets_its_answer),
      TEST(test_a_half_closed_client_that_leaves_is_noticed),
      TEST(test_a_client_that_leaves_inside_a_body_is_noticed),
      TEST(test_a_client_that_leaves_behind_a_paused_body_is_noticed),
      TEST(test_after_a_framing_error_nothing_more_is_read),
      TEST(test_a_trickled_head_meets_its_deadline),
      TEST(test_a_silent_body_times_out),
      TEST(test_an_idle_connection_is_closed),
      TEST(test_a_client_that_does_not_read_is_cut),
      TEST(test_parked_output_pauses_reading),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
