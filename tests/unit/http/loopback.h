/* A listener on a free loopback port and plain client sockets, driven from one thread: whenever a client waits, the loop
 * runs. For unit tests of host/http. */
#ifndef TESTS_UNIT_HTTP_LOOPBACK_H
#define TESTS_UNIT_HTTP_LOOPBACK_H

#include "base/buf.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/listener.h"
#include "loop/loop.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MAX_MS 30000 /* a machine may be busy with other things; nothing waits for its end */

static struct http_listener *loopback_listener;
static uint16_t loopback_port;

static inline void loopback_stop_loop(void *arg) {
  (void)arg;
  loop_stop();
}

/* Lets the loop do everything that is ready now. */
static inline void loopback_turn(void) {
  loop_post(loopback_stop_loop, NULL);
  loop_run();
}

static inline int64_t loopback_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void loopback_rest(void) {
  struct timespec pause = {.tv_nsec = 500000};
  loopback_turn();
  nanosleep(&pause, NULL);
}

/* Runs the loop until the condition holds; false if it never does. */
#define loopback_until(condition)                                                                                                                    \
  do {                                                                                                                                               \
    int64_t loopback_end_ms = loopback_now_ms() + WAIT_MAX_MS;                                                                                       \
    while (!(condition) && loopback_now_ms() < loopback_end_ms)                                                                                      \
      loopback_rest();                                                                                                                               \
    assert_true(condition);                                                                                                                          \
  } while (0)

/* At least so long, and at least so many turns that what has been sent is taken, parsed and handled, however slow the machine is. */
static inline void loopback_run_for(int64_t ms) {
  int64_t end_ms = loopback_now_ms() + ms;
  for (unsigned turns = 0; turns < 10 || loopback_now_ms() < end_ms; turns++)
    loopback_rest();
}

static inline void loopback_listen(void) {
  bp_error err = BP_ERROR_INIT;
  loopback_listener = mem_alloc(sizeof(*loopback_listener));
  loopback_listener->address = str_dupz(BP_LIT("127.0.0.1"));
  loopback_listener->is_main = true;
  assert_int_equal(http_listen(loopback_listener, &err), BP_OK);
  struct sockaddr_in address;
  socklen_t len = sizeof(address);
  assert_int_equal(getsockname(loopback_listener->fd, (struct sockaddr *)&address, &len), 0);
  loopback_port = ntohs(address.sin_port);
}

static inline int loopback_connect(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(loopback_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  return fd;
}

/* Sends all, letting the loop read. Stops early if the server has closed. */
static inline void loopback_send(int fd, bp_str bytes) {
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  while (bytes.len && loopback_now_ms() < end_ms) {
    ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
      break;
    if (sent > 0)
      bytes = bp_str_make(bytes.ptr + sent, bytes.len - (size_t)sent);
    loopback_turn();
  }
}

static inline void loopback_send_z(int fd, const char *text) {
  loopback_send(fd, str_from(text));
}

/* Appends all that has come. False once the server has closed. */
static inline bool loopback_receive(int fd, struct buf *into) {
  static char bytes[65536];
  ssize_t len;
  while ((len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
    buf_append(into, bytes, (size_t)len);
  return len < 0 && errno == EAGAIN;
}

/* memmem over a buffer. */
static inline bool loopback_has(const struct buf *b, const char *text) {
  return b->len && memmem(b->data, b->len, text, strlen(text));
}

/* Counts from `*from` on, and leaves there where more could begin when more has come. By memcmp: a sanitizer looks at all that memmem
 * may read, each time. */
static inline unsigned loopback_count_from(const struct buf *b, const char *text, size_t *from) {
  size_t len = strlen(text);
  unsigned count = 0;
  while (*from + len <= b->len) {
    bool is_here = b->data[*from] == text[0] && memcmp(b->data + *from, text, len) == 0;
    count += is_here;
    *from += is_here ? len : 1;
  }
  return count;
}

static inline unsigned loopback_count(const struct buf *b, const char *text) {
  size_t from = 0;
  return loopback_count_from(b, text, &from);
}

/* Receives until `text` has come `times` times. */
static inline void loopback_expect_times(int fd, struct buf *into, const char *text, unsigned times) {
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  size_t from = 0;
  unsigned count = loopback_count_from(into, text, &from);
  for (bool is_open = true; count < times && is_open && loopback_now_ms() < end_ms;) {
    loopback_rest();
    is_open = loopback_receive(fd, into);
    count += loopback_count_from(into, text, &from);
  }
  if (count < times)
    print_error("expected \"%s\" in: %.*s\n", text, into->len < 500 ? (int)into->len : 500, into->data ? into->data : "");
  assert_true(count >= times);
}

static inline void loopback_expect(int fd, struct buf *into, const char *text) {
  loopback_expect_times(fd, into, text, 1);
}

/* Receives until the server closes. */
static inline void loopback_expect_close(int fd, struct buf *into) {
  int64_t end_ms = loopback_now_ms() + WAIT_MAX_MS;
  bool is_open = true;
  while (is_open && loopback_now_ms() < end_ms) {
    loopback_rest();
    is_open = loopback_receive(fd, into);
  }
  assert_false(is_open);
}

#endif
