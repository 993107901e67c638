/* Unit tests of the wire on real sockets: order, deferring, bodies, streams, files, takeover, errors, deadlines, closing. */
#include "http/loopback.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DEFERRED_MAX 16

static struct {
  struct http_exchange *deferred[DEFERRED_MAX];
  unsigned deferred_count, finished, gone, announced, errors;
  enum http_gone why;
  unsigned error_status;
  struct buf streamed;
  unsigned stream_ends, drained;
  uint64_t stream_left;
  struct http_raw *raw;
  struct buf raw_read;
  unsigned raw_closed, raw_writable;
  struct buf seen_path;
} seen;

static struct http_limits saved;

/* ---- The handler: what happens is said by the path ---- */

static void reply_text(struct http_exchange *x, const char *text) {
  exchange_reply(x, 200, BP_LIT("text/plain"), str_from(text));
}

static void defer(struct http_exchange *x) {
  seen.deferred[seen.deferred_count++] = x;
}

static void on_chunk(struct http_exchange *x, void *ctx, bp_str bytes) {
  assert_ptr_equal(ctx, &seen);
  buf_append_str(&seen.streamed, bytes);
  if (str_starts(x->path, BP_LIT("/stream-in-slow")))
    exchange_body_pause(x, true);
}

static void on_body_end(struct http_exchange *x, void *ctx) {
  (void)ctx;
  seen.stream_ends++;
  reply_text(x, "streamed in");
}

static const struct http_body_sink sink = {.chunk = on_chunk, .end = on_body_end};

static void on_drained(struct http_exchange *x) {
  static char block[10000];
  seen.drained++;
  if (seen.stream_left == 0) {
    exchange_stream_end(x);
    return;
  }
  memset(block, 'x', sizeof(block));
  size_t len = seen.stream_left < sizeof(block) ? (size_t)seen.stream_left : sizeof(block);
  seen.stream_left -= len;
  assert_true(exchange_stream_write(x, bp_str_make(block, len)));
}

static void raw_readable(void *owner, bp_str bytes) {
  assert_ptr_equal(owner, &seen);
  buf_append_str(&seen.raw_read, bytes);
}

static void raw_writable(void *owner) {
  (void)owner;
  seen.raw_writable++;
  raw_want_write(seen.raw, false);
}

static void raw_closed(void *owner) {
  (void)owner;
  seen.raw_closed++;
  seen.raw = NULL;
}

static const struct http_raw_events raw_events = {.readable = raw_readable, .writable = raw_writable, .closed = raw_closed};

static void take_over(struct http_exchange *x) {
  exchange_header_add(x, BP_LIT("Upgrade"), BP_LIT("test"));
  seen.raw = exchange_takeover(x, 101, bp_str_make(NULL, 0), &raw_events, &seen);
  assert_non_null(seen.raw);
  const struct iovec hello = {(void *)(uintptr_t) "hello", 5};
  raw_write(seen.raw, &hello, 1);
}

static void reply_file(struct http_exchange *x) {
  char name[] = "/tmp/wire-test-XXXXXX";
  int fd = mkstemp(name);
  assert_true(fd >= 0);
  unlink(name);
  for (int i = 0; i < 300; i++) {
    char block[10000];
    memset(block, 'a' + i % 26, sizeof(block));
    assert_int_equal(write(fd, block, sizeof(block)), (ssize_t)sizeof(block));
  }
  exchange_reply_file(x, 200, BP_LIT("application/octet-stream"), fd, 5000, 2990000);
}

static void on_request(struct http_exchange *x) {
  seen.announced++;
  buf_clear(&seen.seen_path);
  buf_append_str(&seen.seen_path, x->path);
  if (str_starts(x->path, BP_LIT("/defer")))
    defer(x);
  else if (str_starts(x->path, BP_LIT("/echo")))
    exchange_body_buffer(x, 100000);
  else if (str_starts(x->path, BP_LIT("/stream-in"))) {
    seen.deferred[0] = x;
    exchange_body_stream(x, 10000000, &sink, &seen);
  } else if (str_eq(x->path, BP_LIT("/stream-out")))
    exchange_stream_begin(x, 200, BP_LIT("text/plain"), on_drained);
  else if (str_eq(x->path, BP_LIT("/file")))
    reply_file(x);
  else if (str_eq(x->path, BP_LIT("/raw")))
    take_over(x);
  else if (str_eq(x->path, BP_LIT("/none")))
    exchange_reply(x, 204, bp_str_make(NULL, 0), bp_str_make(NULL, 0));
  else if (str_eq(x->path, BP_LIT("/big"))) {
    static char body[3000000];
    memset(body, 'b', sizeof(body));
    exchange_reply(x, 200, BP_LIT("text/plain"), bp_str_make(body, sizeof(body)));
  } else
    exchange_reply(x, 200, BP_LIT("text/plain"), x->target);
}

static void on_body(struct http_exchange *x, bp_str body) {
  exchange_reply(x, 200, BP_LIT("text/plain"), body);
}

static void on_gone(struct http_exchange *x, enum http_gone why) {
  (void)x;
  seen.gone++;
  seen.why = why;
}

static void on_finished(struct http_exchange *x) {
  (void)x;
  seen.finished++;
}

static void on_wire_error(struct http_exchange *x, unsigned status, bp_str text) {
  seen.errors++;
  seen.error_status = status;
  exchange_reply(x, status, BP_LIT("text/plain"), text);
}

static const struct http_handler handler = {
    .request = on_request, .body = on_body, .gone = on_gone, .finished = on_finished, .wire_error = on_wire_error};

static int setup(void **state) {
  (void)state;
  memset(&seen, 0, sizeof(seen));
  saved = http_limits;
  if (!loop_init())
    return -1;
  http_set_handler(&handler);
  loopback_listen();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  if (loopback_listener)
    http_unlisten(loopback_listener);
  loopback_until(http_counters()->connections == 0);
  buf_release(&seen.streamed);
  buf_release(&seen.raw_read);
  buf_release(&seen.seen_path);
  http_limits = saved;
  loop_release();
  return 0;
}

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

/* ---- Listeners ---- */

static void test_a_taken_port_names_its_holder(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  struct http_listener second = {.address = (char *)(uintptr_t) "127.0.0.1", .port = loopback_port};
  assert_int_equal(http_listen(&second, &err), BP_E_BUSY);
  char pid[32];
  snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
  assert_non_null(strstr(err.message, pid));
  assert_non_null(strstr(err.hint, "--port-offset"));
}

static void test_a_unix_socket_is_private_and_replaces_a_stale_one(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof(path), "/tmp/wire-test-%d.sock", (int)getpid());
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, strlen(path));
  int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
  close(stale);
  struct http_listener *listener = mem_alloc(sizeof(*listener));
  listener->address = str_dupz(str_from(path));
  listener->is_unix = true;
  bp_error err = BP_ERROR_INIT;
  assert_int_equal(http_listen(listener, &err), BP_OK);
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  struct http_listener other = {.address = path, .is_unix = true};
  assert_int_equal(http_listen(&other, &err), BP_E_BUSY);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  struct buf in = {0};
  loopback_send_z(fd, "GET /unix HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(fd, &in, "/unix");
  loopback_send_z(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.deferred_count == 1);
  close(fd);
  loopback_until(seen.gone == 1);
  http_unlisten(listener);
  assert_int_equal(stat(path, &info), -1);
  buf_release(&in);
}

static void test_full_descriptors_cost_the_oldest_idle_connection(void **state) {
  (void)state;
  struct rlimit before, low;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int clients[24];
  for (int i = 0; i < 10; i++)
    clients[i] = loopback_connect();
  loopback_until(http_counters()->connections == 10);
  int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
  low = before;
  low.rlim_cur = (rlim_t)probe + 6; /* clients need descriptors too */
  close(probe);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int i = 10; i < 15; i++)
    clients[i] = loopback_connect();
  struct buf in = {0};
  loopback_send_z(clients[14], "GET /room HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(clients[14], &in, "/room");
  loopback_expect_close(clients[0], &in);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < 15; i++)
    close(clients[i]);
  buf_release(&in);
}

static void test_without_idle_connections_a_client_is_turned_away(void **state) {
  (void)state;
  struct rlimit before, low;
  struct buf in = {0};
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int busy[3], late;
  for (int i = 0; i < 3; i++) {
    busy[i] = loopback_connect();
    loopback_send_z(busy[i], "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  loopback_until(seen.deferred_count == 3);
  late = loopback_connect();
  low = before;
  low.rlim_cur = (rlim_t)late + 1; /* nothing is left for the server's side */
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
  loopback_expect_close(late, &in);
  assert_true(loopback_has(&in, "HTTP/1.1 503 Service Unavailable\r\n"));
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  close(late);
  for (unsigned i = 0; i < 3; i++)
    reply_text(seen.deferred[i], "x");
  buf_clear(&in);
  late = loopback_connect();
  loopback_send_z(late, "GET /again HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_expect(late, &in, "/again");
  close(late);
  for (int i = 0; i < 3; i++)
    close(busy[i]);
  buf_release(&in);
}

static bool is_stopped;

static void on_stopped(void *arg) {
  (void)arg;
  is_stopped = true;
}

/* Last: a stop is for good. */
static void test_a_stop_lets_running_requests_finish(void **state) {
  (void)state;
  struct buf in = {0};
  int idle = loopback_connect(), busy = loopback_connect(), stuck = loopback_connect();
  loopback_send_z(busy, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_send_z(stuck, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
  loopback_until(seen.deferred_count == 2);
  http_stop(400, on_stopped, NULL);
  loopback_listener = NULL;
  loopback_expect_close(idle, &in);
  assert_false(is_stopped);
  reply_text(seen.deferred[0], "just in time");
  loopback_expect_close(busy, &in);
  assert_true(loopback_has(&in, "just in time"));
  assert_true(loopback_has(&in, "Connection: close"));
  loopback_until(is_stopped);
  assert_int_equal(seen.gone, 1);
  assert_int_equal(seen.why, HTTP_GONE_STOPPING);
  close(idle);
  close(busy);
  close(stuck);
  buf_release(&in);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
      TEST(test_bodies_are_collected_plain_and_chunked),
      TEST(test_a_body_over_the_limit_is_refused_before_it_is_sent),
      TEST(test_a_large_refused_body_does_not_destroy_the_answer),
      TEST(test_continue_is_sent_only_when_the_body_is_wanted),
      TEST(test_an_unwanted_body_is_thrown_away),
      TEST(test_a_streamed_body_can_be_paused),
      TEST(test_heads_of_replies),
      TEST(test_an_http10_client_may_keep_the_connection),
      TEST(test_a_large_reply_is_parked_and_arrives_whole),
      TEST(test_a_file_is_sent_between_other_replies),
      TEST(test_a_stream_is_chunked_and_drains),
      TEST(test_a_stream_to_http10_ends_with_the_connection),
      TEST(test_a_takeover_hands_over_both_directions),
      TEST(test_a_takeover_waits_for_the_replies_before_it),
      TEST(test_after_a_framing_error_nothing_more_is_read),
      TEST(test_a_trickled_head_meets_its_deadline),
      TEST(test_a_silent_body_times_out),
      TEST(test_an_idle_connection_is_closed),
      TEST(test_a_client_that_does_not_read_is_cut),
      TEST(test_parked_output_pauses_reading),
      TEST(test_a_taken_port_names_its_holder),
      TEST(test_a_unix_socket_is_private_and_replaces_a_stale_one),
      TEST(test_full_descriptors_cost_the_oldest_idle_connection),
      TEST(test_without_idle_connections_a_client_is_turned_away),
      TEST(test_a_stop_lets_running_requests_finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
