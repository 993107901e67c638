/* Unit tests of host/auth/gate.c over real connections: what an answer says to a page, and who another user is. */
#include "auth/gate.h"
#include "http/loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define OTHER_UID 65534
#define LISTED "http://localhost:5173"

static char folder[64];

/* What the router does with the gate, without routes. */
static void on_request(struct http_exchange *x) {
  unsigned status = 200;
  bp_str text = BP_STR("passed");
  enum auth_verdict verdict = auth_gate(x, &status, &text);
  auth_cors_headers(x, true, verdict == AUTH_PREFLIGHT);
  exchange_reply(x, status, BP_LIT("text/plain"), text);
}

static void on_nothing(struct http_exchange *x) {
  (void)x;
}

static void on_gone(struct http_exchange *x, enum http_gone why) {
  (void)x, (void)why;
}

static void on_body(struct http_exchange *x, bp_str body) {
  (void)x, (void)body;
}

static void on_wire_error(struct http_exchange *x, unsigned status, bp_str text) {
  exchange_reply(x, status, BP_LIT("text/plain"), text);
}

/* Sends a request of this method with these header lines; the answer is in `reply` when the connection has closed. */
static void ask(const char *method, const char *lines, struct buf *reply) {
  struct buf text = {0};
  buf_printf(&text, "%s /x HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%s\r\n", method, loopback_port, lines);
  int fd = loopback_connect();
  buf_clear(reply);
  loopback_send(fd, buf_str(&text));
  loopback_expect_close(fd, reply);
  close(fd);
  buf_release(&text);
}

static void test_a_listed_origin_is_echoed(void **state) {
  (void)state;
  struct buf reply = {0};
  ask("GET", "Origin: " LISTED "\r\n", &reply);
  assert_true(loopback_has(&reply, "HTTP/1.1 200 "));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Allow-Origin: " LISTED "\r\n"));
  assert_true(loopback_has(&reply, "\r\nVary: Origin\r\n"));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Allow-Credentials: true\r\n"));
  assert_false(loopback_has(&reply, "Allow-Methods"));
  buf_release(&reply);
}

static void test_a_preflight_is_answered_for_what_it_asks(void **state) {
  (void)state;
  struct buf reply = {0};
  ask("OPTIONS",
      "Origin: " LISTED "\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type, x-y,*, bad name\r\n"
      "Access-Control-Request-Private-Network: true\r\n",
      &reply);
  assert_true(loopback_has(&reply, "HTTP/1.1 200 "));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Allow-Headers: content-type, x-y\r\n"));
  assert_true(loopback_has(&reply, "PUT"));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Max-Age: 600\r\n"));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Allow-Private-Network: true\r\n"));
  buf_release(&reply);
}

static void test_a_foreign_origin_learns_nothing(void **state) {
  (void)state;
  struct buf reply = {0};
  ask("OPTIONS", "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Private-Network: true\r\n", &reply);
  assert_true(loopback_has(&reply, "HTTP/1.1 403 "));
  assert_false(loopback_has(&reply, "Access-Control"));
  ask("GET", "", &reply);
  assert_true(loopback_has(&reply, "HTTP/1.1 200 "));
  assert_false(loopback_has(&reply, "Access-Control"));
  buf_release(&reply);
}

static void test_a_page_can_read_why_it_was_refused(void **state) {
  (void)state;
  struct buf reply = {0};
  ask("GET", "Origin: " LISTED "\r\nAuthorization: Bearer wrong\r\n", &reply);
  assert_true(loopback_has(&reply, "HTTP/1.1 401 "));
  assert_true(loopback_has(&reply, "\r\nWWW-Authenticate: Bearer\r\n"));
  assert_true(loopback_has(&reply, "\r\nAccess-Control-Allow-Origin: " LISTED "\r\n"));
  buf_release(&reply);
}

/* The child's exit code: 0 if it was refused with 401. */
static int be_another_user(void) {
  char request[128], answer[64] = {0};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(loopback_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int len = snprintf(request, sizeof(request), "GET /x HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n", loopback_port);
  int fd = setuid(OTHER_UID) == 0 ? socket(AF_INET, SOCK_STREAM, 0) : -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || write(fd, request, (size_t)len) != len)
    return 1;
  return recv(fd, answer, 12, MSG_WAITALL) == 12 && memcmp(answer, "HTTP/1.1 401", 12) == 0 ? 0 : 2;
}

static bool has_ended(pid_t pid, int *exit_status) {
  return *exit_status >= 0 || waitpid(pid, exit_status, WNOHANG) == pid;
}

static void test_another_user_is_refused(void **state) {
  (void)state;
  int exit_status = -1;
  if (geteuid() != 0) {
    print_message("skipped: only root can become another user\n");
    skip();
  }
  pid_t pid = fork();
  if (pid == 0)
    _exit(be_another_user());
  loopback_until(has_ended(pid, &exit_status));
  assert_true(WIFEXITED(exit_status));
  assert_int_equal(WEXITSTATUS(exit_status), 0);
}

static int setup(void **state) {
  (void)state;
  static const struct http_handler handler = {on_request, on_body, on_gone, on_nothing, on_wire_error};
  static const bp_str origin = BP_STR(LISTED);
  bp_error err = BP_ERROR_INIT;
  (void)snprintf(folder, sizeof(folder), "/tmp/unit-cors-XXXXXX");
  if (!loop_init() || mkdtemp(folder) == NULL || auth_init(folder, &err) != BP_OK)
    return -1;
  auth_set_origins(&origin, 1);
  http_set_handler(&handler);
  loopback_listen();
  loopback_listener->port = loopback_port;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char path[128];
  http_unlisten(loopback_listener);
  auth_release();
  (void)snprintf(path, sizeof(path), "%s/admin.token", folder);
  (void)unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_listed_origin_is_echoed),       cmocka_unit_test(test_a_preflight_is_answered_for_what_it_asks),
      cmocka_unit_test(test_a_foreign_origin_learns_nothing), cmocka_unit_test(test_a_page_can_read_why_it_was_refused),
      cmocka_unit_test(test_another_user_is_refused),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
