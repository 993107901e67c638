/* Unit tests of bp.stream/1 over real connections: bodies in pieces, response streams, uploads, kept files, file replies. */
#include "auth/gate.h"
#include "host.h"
#include "http/loopback.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/workers.h"
#include "router/family.h"
#include "router/router.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[64];
static struct plugin *owner;

/* What the handlers below saw. */
static struct {
  uint64_t body_bytes;
  unsigned pieces, ends, failures, cancels, closes, drains, keeps;
  bp_status failed_with, closed_with, kept_with;
  bp_stream stream;
  bp_request request;
} seen;

/* ---- The plugin ---- */

static void on_chunk(void *ctx, bp_request request, bp_str bytes) {
  (void)ctx, (void)request;
  seen.body_bytes += bytes.len;
  seen.pieces++;
}

static void on_end(void *ctx, bp_request request) {
  (void)ctx;
  seen.ends++;
  assert_int_equal(http_table.reply_text(request, 200, BP_LIT("text/plain"), BP_LIT("all read")), BP_OK);
}

static void on_failed(void *ctx, bp_request request, bp_status status) {
  (void)ctx;
  seen.failures++;
  seen.failed_with = status;
  assert_int_equal(http_table.reply_empty(request, 200), BP_E_STALE);
}

static void on_cancel(void *ctx, bp_request request, uint32_t reason) {
  (void)ctx, (void)request, (void)reason;
  seen.cancels++;
}

static void handle_body(void *state, bp_request request) {
  static const bp_body_sink sink = {.size = sizeof(sink), .chunk = on_chunk, .end = on_end, .failed = on_failed};
  (void)state;
  assert_int_equal(stream_table.body_read(request, &sink, NULL), BP_OK);
  assert_int_equal(stream_table.body_read(request, &sink, NULL), BP_E_STATE);
  assert_int_equal(http_table.defer(request, on_cancel, NULL), BP_OK);
}

static void on_drained(void *ctx, bp_stream stream) {
  (void)ctx, (void)stream;
  seen.drains++;
}

static void on_closed(void *ctx, bp_stream stream, bp_status status) {
  (void)ctx;
  seen.closes++;
  seen.closed_with = status;
  assert_int_equal(stream_table.write(stream, BP_LIT("x")), BP_E_STALE);
}

static void handle_stream(void *state, bp_request request) {
  static const bp_stream_events events = {.size = sizeof(events), .drained = on_drained, .closed = on_closed};
  (void)state;
  assert_int_equal(stream_table.begin(request, 200, BP_LIT("text/\r\nX: y"), &events, NULL, &seen.stream), BP_E_INVALID);
  assert_int_equal(stream_table.begin(request, 200, BP_LIT("text/plain"), &events, NULL, &seen.stream), BP_OK);
  assert_int_equal(http_table.reply_empty(request, 200), BP_E_STALE);
  assert_int_equal(stream_table.write(seen.stream, BP_LIT("hello ")), BP_OK);
}

static void on_kept(void *ctx, bp_status status, const bp_error *err) {
  (void)ctx, (void)err;
  seen.keeps++;
  seen.kept_with = status;
  if (status == BP_OK)
    assert_int_equal(http_table.reply_text(seen.request, 201, BP_LIT("text/plain"), BP_LIT("kept")), BP_OK);
  else
    assert_int_equal(http_table.reply_failure(seen.request, status, err), BP_OK);
}

static void handle_upload(void *state, bp_request request) {
  bp_part part = {.size = sizeof(part)};
  (void)state;
  seen.request = request;
  assert_int_equal(stream_table.part_count(request), 2);
  assert_int_equal(stream_table.part(request, 0, &part), BP_OK);
  assert_str_eq(part.name, "note");
  assert_str_eq(part.text, "hi");
  assert_int_equal(part.is_file, 0);
  assert_int_equal(stream_table.part(request, 1, &part), BP_OK);
  assert_str_eq(part.filename, "../f.txt");
  assert_int_equal(part.size_bytes, 3);
  assert_string_equal(part.sha256_hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_int_equal(stream_table.part(request, 2, &part), BP_E_NOT_FOUND);
  assert_int_equal(stream_table.part_keep(request, 1, BP_LIT("f"), on_kept, NULL), BP_E_STATE);
  assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
  assert_int_equal(stream_table.part_keep(request, 0, BP_LIT("f"), on_kept, NULL), BP_E_NOT_FOUND);
  assert_int_equal(stream_table.part_keep(request, 1, BP_LIT("../f"), on_kept, NULL), BP_E_INVALID);
  assert_int_equal(stream_table.part_keep(request, 1, BP_LIT("kept/f"), on_kept, NULL), BP_OK);
  assert_int_equal(stream_table.part_keep(request, 1, BP_LIT("kept/g"), on_kept, NULL), BP_E_BUSY);
}

static void handle_file(void *state, bp_request request) {
  const bp_file_reply options = {
      .size = sizeof(options), .flags = BP_FILE_ATTACHMENT, .content_type = BP_STR("text/plain"), .filename = BP_STR("a b")};
  (void)state;
  assert_int_equal(stream_table.send_file(request, BP_LIT(".spool/x"), &options), BP_E_INVALID);
  assert_int_equal(stream_table.send_file(request, BP_LIT("kept/f"), &options), BP_OK);
  assert_int_equal(stream_table.send_file(request, BP_LIT("kept/f"), &options), BP_E_STALE);
}

static const bp_family family = {.size = sizeof(bp_family),
                                 .error_shape = BP_ERRORS_DETAIL,
                                 .validation_status = 422,
                                 .name = BP_STR("test"),
                                 .title = BP_STR("Test"),
                                 .not_found_text = BP_STR("Not Found"),
                                 .not_allowed_text = BP_STR("Method Not Allowed")};

#define ROUTE(verb, where, id, ...)                                                                                                                  \
  {                                                                                                                                                  \
    .size = sizeof(bp_route), .method = BP_STR(verb), .path = BP_STR(where), .operation_id = BP_STR(id), .summary = BP_STR("Test."),                 \
    .family = BP_STR("test"), .policy = BP_STR("none"), __VA_ARGS__                                                                                  \
  }
static const bp_route routes[] = {
    ROUTE("POST", "/body", "body", .flags = BP_ROUTE_STREAM, .handle = handle_body, .body_limit_bytes = 1000000),
    ROUTE("GET", "/stream", "stream", .handle = handle_stream),
    ROUTE("POST", "/upload", "upload", .flags = BP_ROUTE_UPLOAD, .handle = handle_upload, .body_limit_bytes = 1000000),
    ROUTE("GET", "/file", "file", .handle = handle_file),
};

/* ---- The client ---- */

static int send_request(const char *head, uint64_t content_length, const char *body) {
  struct buf text = {0};
  buf_printf(&text, "%s HTTP/1.1\r\nHost: localhost:%u\r\n", head, loopback_port);
  if (content_length > 0)
    buf_printf(&text, "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: %llu\r\n", (unsigned long long)content_length);
  buf_printf(&text, "\r\n%s", body);
  int fd = loopback_connect();
  loopback_send(fd, buf_str(&text));
  buf_release(&text);
  return fd;
}

static void expect(int fd, const char *text) {
  struct buf reply = {0};
  loopback_expect(fd, &reply, text);
  buf_release(&reply);
}

/* Entries of the spool that are not dots. */
static unsigned spooled(void) {
  char path[128];
  unsigned count = 0;
  (void)snprintf(path, sizeof(path), "%s/modules/test/.spool", folder);
  DIR *dir = opendir(path);
  if (dir == NULL)
    return 0;
  for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

/* ---- Bodies ---- */

static void test_a_body_comes_in_pieces(void **state) {
  (void)state;
  static char piece[10001];
  memset(piece, 'x', sizeof(piece) - 1);
  int fd = send_request("POST /body", 50000, "");
  for (int i = 0; i < 5; i++)
    loopback_send_z(fd, piece);
  expect(fd, "all read");
  assert_int_equal(seen.body_bytes, 50000);
  assert_true(seen.pieces > 1);
  assert_int_equal(seen.ends, 1);
  close(fd);
  loopback_run_for(20);
  assert_int_equal(seen.failures + seen.cancels, 0);
}

static void test_a_client_that_leaves_fails_the_body_once(void **state) {
  (void)state;
  int fd = send_request("POST /body", 50000, "some");
  loopback_until(seen.pieces == 1);
  close(fd);
  loopback_until(seen.failures == 1);
  assert_int_equal(seen.failed_with, BP_E_CANCELLED);
  loopback_run_for(20);
  assert_int_equal(seen.ends, 0);
  assert_int_equal(seen.cancels, 0);
}

static void test_a_body_over_the_limit_fails(void **state) {
  (void)state;
  int fd = send_request("POST /body", 1000001, "");
  expect(fd, "HTTP/1.1 413 ");
  assert_int_equal(seen.ends, 0);
  close(fd);
  loopback_run_for(20);
}

static void test_draining_fails_the_body(void **state) {
  (void)state;
  int fd = send_request("POST /body", 50000, "some");
  loopback_until(seen.pieces == 1);
  router_cancel(owner);
  assert_int_equal(seen.failures, 1);
  assert_int_equal(seen.failed_with, BP_E_CANCELLED);
  expect(fd, "HTTP/1.1 503 ");
  close(fd);
  loopback_run_for(20);
  assert_int_equal(seen.failures, 1);
}

/* ---- Response streams ---- */

static void test_a_stream_ends_with_its_last_chunk(void **state) {
  (void)state;
  int fd = send_request("GET /stream", 0, "");
  expect(fd, "hello ");
  assert_int_equal(stream_table.write(seen.stream, BP_LIT("world")), BP_OK);
  loopback_until(stream_table.buffered(seen.stream) == 0);
  assert_int_equal(stream_table.end(seen.stream), BP_OK);
  assert_int_equal(stream_table.end(seen.stream), BP_E_STALE);
  expect(fd, "world\r\n0\r\n\r\n");
  close(fd);
  loopback_run_for(20);
  assert_int_equal(seen.closes, 0);
}

static void test_a_stream_that_nobody_reads_is_bounded(void **state) {
  (void)state;
  static char piece[256 * 1024];
  unsigned written = 0;
  int fd = send_request("GET /stream", 0, "");
  loopback_until(seen.stream != 0);
  static char large[1024 * 1024 + 1];
  assert_int_equal(stream_table.write(seen.stream, bp_str_make(large, sizeof(large))), BP_E_LIMIT);
  while (written < 200 && stream_table.write(seen.stream, bp_str_make(piece, sizeof(piece))) == BP_OK)
    written++;
  assert_true(written < 200);
  assert_true(stream_table.buffered(seen.stream) <= 2 * 1024 * 1024);
  assert_int_equal(stream_table.write(seen.stream, BP_LIT("x")), BP_E_BUSY);
  struct buf reply = {0};
  unsigned drained_before = seen.drains;
  loopback_until(loopback_receive(fd, &reply) && seen.drains > drained_before);
  assert_int_equal(stream_table.write(seen.stream, BP_LIT("x")), BP_OK);
  assert_int_equal(stream_table.end(seen.stream), BP_OK);
  buf_release(&reply);
  close(fd);
  loopback_run_for(20);
}

static void test_a_client_that_leaves_closes_the_stream(void **state) {
  (void)state;
  int fd = send_request("GET /stream", 0, "");
  expect(fd, "hello ");
  close(fd);
  loopback_until(seen.closes == 1);
  assert_int_equal(stream_table.buffered(seen.stream), 0);
}

static void test_draining_closes_the_stream(void **state) {
  (void)state;
  int fd = send_request("GET /stream", 0, "");
  expect(fd, "hello ");
  assert_non_null(owner->registrations);
  owner->registrations->revoke(owner->registrations);
  assert_int_equal(seen.closes, 1);
  assert_int_equal(seen.closed_with, BP_E_CANCELLED);
  expect(fd, "0\r\n\r\n");
  close(fd);
  loopback_run_for(20);
  assert_int_equal(seen.closes, 1);
}

/* ---- Uploads and files ---- */

#define NOTE "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n"
#define FILE_HEAD "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../f.txt\"\r\n\r\n"
#define FORM NOTE FILE_HEAD "abc\r\n--XX--\r\n"

static void test_an_upload_is_kept_once(void **state) {
  (void)state;
  int fd = send_request("POST /upload", sizeof(FORM) - 1, FORM);
  expect(fd, "HTTP/1.1 201 ");
  assert_int_equal(seen.kept_with, BP_OK);
  close(fd);
  fd = send_request("POST /upload", sizeof(FORM) - 1, FORM);
  expect(fd, "HTTP/1.1 409 ");
  assert_int_equal(seen.kept_with, BP_E_EXISTS);
  close(fd);
  loopback_until(spooled() == 0);
}

static void test_a_broken_upload_leaves_nothing(void **state) {
  (void)state;
  int fd = send_request("POST /upload", sizeof(NOTE FILE_HEAD "abc") - 1, NOTE FILE_HEAD "abc");
  expect(fd, "HTTP/1.1 400 ");
  close(fd);
  loopback_until(spooled() == 0);
}

static void test_a_client_that_leaves_an_upload_leaves_nothing(void **state) {
  (void)state;
  int fd = send_request("POST /upload", 900000, NOTE FILE_HEAD "abc");
  loopback_until(spooled() == 1);
  close(fd);
  loopback_until(spooled() == 0);
}

static void test_an_upload_of_another_type_is_refused(void **state) {
  (void)state;
  struct buf text = {0};
  buf_printf(&text, "POST /upload HTTP/1.1\r\nHost: localhost:%u\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", loopback_port);
  int fd = loopback_connect();
  loopback_send(fd, buf_str(&text));
  expect(fd, "HTTP/1.1 415 ");
  close(fd);
  buf_release(&text);
}

static void test_a_file_is_answered_whole_in_part_or_not_at_all(void **state) {
  (void)state;
  struct buf reply = {0};
  int fd = send_request("GET /file", 0, "");
  loopback_expect(fd, &reply, "\r\n\r\nabc");
  assert_true(loopback_has(&reply, "Content-Disposition: attachment; filename*=utf-8''a%20b\r\n"));
  assert_true(loopback_has(&reply, "Accept-Ranges: bytes\r\n"));
  char *etag = memmem(reply.data, reply.len, "ETag: ", 6), *end = etag ? memchr(etag, '\r', 60) : NULL;
  assert_non_null(end);
  struct buf again = {0};
  buf_printf(&again, "GET /file HTTP/1.1\r\nHost: localhost:%u\r\nIf-None-Match: %.*s\r\n\r\n", loopback_port, (int)(end - etag - 6), etag + 6);
  loopback_send(fd, buf_str(&again));
  loopback_expect(fd, &reply, "HTTP/1.1 304 ");
  buf_clear(&again);
  buf_printf(&again, "GET /file HTTP/1.1\r\nHost: localhost:%u\r\nRange: bytes=1-1\r\n\r\n", loopback_port);
  loopback_send(fd, buf_str(&again));
  loopback_expect(fd, &reply, "HTTP/1.1 206 ");
  loopback_expect(fd, &reply, "Content-Range: bytes 1-1/3\r\n");
  loopback_expect(fd, &reply, "\r\n\r\nb");
  buf_clear(&again);
  buf_printf(&again, "GET /file HTTP/1.1\r\nHost: localhost:%u\r\nRange: bytes=7-\r\n\r\n", loopback_port);
  loopback_send(fd, buf_str(&again));
  loopback_expect(fd, &reply, "HTTP/1.1 416 ");
  loopback_expect(fd, &reply, "Content-Range: bytes */3\r\n");
  close(fd);
  buf_release(&again);
  buf_release(&reply);
}

static void on_removed(void *ctx, bp_status status, const bp_error *err) {
  (void)err;
  *(bp_status *)ctx = status;
}

static void test_a_removed_file_is_not_found(void **state) {
  (void)state;
  bp_status removed = 1, again = 1;
  assert_int_equal(stream_table.file_remove(owner->handle, BP_LIT("kept/f"), on_removed, &removed), BP_OK);
  loopback_until(removed != 1);
  assert_int_equal(removed, BP_OK);
  assert_int_equal(stream_table.file_remove(owner->handle, BP_LIT("kept/f"), on_removed, &again), BP_OK);
  loopback_until(again != 1);
  assert_int_equal(again, BP_E_NOT_FOUND);
  int fd = send_request("GET /file", 0, "");
  expect(fd, "HTTP/1.1 404 ");
  close(fd);
}

/* ---- Set-up ---- */

static int reset(void **state) {
  (void)state;
  memset(&seen, 0, sizeof(seen));
  return 0;
}

static int setup(void **state) {
  (void)state;
  static const bp_array all = BP_ARRAY(routes);
  bp_error err = BP_ERROR_INIT;
  (void)snprintf(folder, sizeof(folder), "/tmp/unit-stream-XXXXXX");
  if (!loop_init() || mkdtemp(folder) == NULL || auth_init(folder, &err) != BP_OK)
    return -1;
  host_run.state_dir = folder;
  router_init();
  owner = plugin_add(BP_LIT("test"), "/test.so");
  owner->phase = PLUGIN_STARTED;
  owner->descriptor.family = BP_LIT("test");
  if (family_declare(owner, &family, &err) != BP_OK || router_add(owner, &all, NULL, &err) != BP_OK) {
    print_error("%s\n", err.message);
    return -1;
  }
  loopback_listen();
  loopback_listener->port = loopback_port;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  static const char *const paths[] = {"modules/test/kept", "modules/test/.spool", "modules/test", "modules", "admin.token", ""};
  char path[128];
  router_remove(owner);
  loopback_run_for(20);
  http_unlisten(loopback_listener);
  workers_stop();
  auth_release();
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", folder, paths[i]);
    if (remove(path) != 0)
      return -1;
  }
  return 0;
}

#define CASE(function) cmocka_unit_test_setup(function, reset)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_a_body_comes_in_pieces),
      CASE(test_a_client_that_leaves_fails_the_body_once),
      CASE(test_a_body_over_the_limit_fails),
      CASE(test_draining_fails_the_body),
      CASE(test_a_stream_ends_with_its_last_chunk),
      CASE(test_a_stream_that_nobody_reads_is_bounded),
      CASE(test_a_client_that_leaves_closes_the_stream),
      CASE(test_draining_closes_the_stream),
      CASE(test_an_upload_is_kept_once),
      CASE(test_a_broken_upload_leaves_nothing),
      CASE(test_a_client_that_leaves_an_upload_leaves_nothing),
      CASE(test_an_upload_of_another_type_is_refused),
      CASE(test_a_file_is_answered_whole_in_part_or_not_at_all),
      CASE(test_a_removed_file_is_not_found),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
