/* The application behind the wire in its unit tests: what it does is said by the path, what it saw is in `seen`. */
#ifndef TESTS_UNIT_HTTP_APPLICATION_H
#define TESTS_UNIT_HTTP_APPLICATION_H

#include "http/loopback.h"

#include <stdio.h>
#include <stdlib.h>

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
