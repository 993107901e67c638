/* Bulk sends, each case one by one and through io_uring: the same bytes and the same results; and what happens where io_uring is
 * refused or short of descriptors. */
#include "base/buf.h"
#include "http/bulk.h"
#include "loop/loop.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAIRS 40u

static int ours[PAIRS], theirs[PAIRS];
static struct bulk_send sends[BULK_SENDS_MAX];
static char text[64] = "the same to everybody";
static const size_t text_len = sizeof("the same to everybody") - 1;

static void open_pairs(void) {
  for (unsigned i = 0; i < PAIRS; i++) {
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ours[i] = pair[0];
    theirs[i] = pair[1];
    sends[i] = (struct bulk_send){.fd = ours[i], .bytes = bp_str_make(text, text_len)};
  }
}

static void close_pairs(void) {
  for (unsigned i = 0; i < PAIRS; i++) {
    close(ours[i]);
    if (theirs[i] >= 0)
      close(theirs[i]);
  }
}

static void assert_text(unsigned i) {
  char got[sizeof(text) + 1];
  assert_int_equal(recv(theirs[i], got, sizeof(got), 0), text_len);
  assert_memory_equal(got, text, text_len);
}

static int start(void **state) {
  (void)state;
  return loop_init() ? 0 : -1;
}

static int stop(void **state) {
  (void)state;
  bulk_release();
  bulk_allow(true);
  loop_release();
  return 0;
}

static void all_get_it(void) {
  open_pairs();
  bulk_send(sends, PAIRS);
  for (unsigned i = 0; i < PAIRS; i++) {
    assert_int_equal(sends[i].result, text_len);
    assert_text(i);
  }
  close_pairs();
}

/* A full socket, a peer that left, a descriptor that is none, a socket that takes a part; the others are not touched by it. */
static void each_has_its_own_result(void) {
  enum { FULL = 3, LEFT = 17, NONE = 20, PART = 31 };
  static char large[1 << 20];
  int small = 4096;
  memset(large, 'x', sizeof(large));
  open_pairs();
  while (send(ours[FULL], text, text_len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
    ;
  close(theirs[LEFT]);
  theirs[LEFT] = -1;
  sends[NONE].fd = 1 << 20;
  assert_int_equal(setsockopt(ours[PART], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
  sends[PART].bytes = bp_str_make(large, sizeof(large));
  bulk_send(sends, PAIRS);
  assert_int_equal(sends[FULL].result, -EAGAIN);
  assert_int_equal(sends[LEFT].result, -EPIPE);
  assert_int_equal(sends[NONE].result, -EBADF);
  assert_true(sends[PART].result > 0 && sends[PART].result < (ssize_t)sizeof(large));
  for (unsigned i = 0; i < PAIRS; i++) {
    if (i == FULL || i == LEFT || i == NONE || i == PART)
      continue;
    assert_int_equal(sends[i].result, text_len);
    assert_text(i);
  }
  close_pairs();
}

static void keeps_the_order_of_one_socket(void) {
  char numbers[BULK_SENDS_MAX][8], got[BULK_SENDS_MAX * 8 + 1];
  struct buf expected = {0};
  open_pairs();
  for (unsigned i = 0; i < BULK_SENDS_MAX; i++) {
    int len = snprintf(numbers[i], sizeof(numbers[i]), "%u,", i);
    sends[i] = (struct bulk_send){.fd = ours[0], .bytes = bp_str_make(numbers[i], (size_t)len)};
    buf_append(&expected, numbers[i], (size_t)len);
  }
  bulk_send(sends, BULK_SENDS_MAX);
  size_t at = 0;
  for (ssize_t part; (part = recv(theirs[0], got + at, sizeof(got) - 1 - at, 0)) > 0;)
    at += (size_t)part;
  assert_int_equal(at, expected.len);
  assert_memory_equal(got, expected.data, at);
  buf_release(&expected);
  close_pairs();
}

static void one_by_one(void **state) {
  (void)state;
  bulk_allow(false);
  all_get_it();
  each_has_its_own_result();
  keeps_the_order_of_one_socket();
  assert_string_equal(bulk_state(), "off");
}

static void through_io_uring(void **state) {
  (void)state;
  assert_string_equal(bulk_state(), "idle");
  open_pairs();
  bulk_send(sends, BULK_SENDS_MIN - 1);
  assert_string_equal(bulk_state(), "idle");
  close_pairs();
  for (int i = 0; i < 20; i++)
    all_get_it();
  each_has_its_own_result();
  keeps_the_order_of_one_socket();
  if (strcmp(bulk_state(), "io_uring") != 0) {
    print_message("SKIP: no io_uring here: %s\n", bulk_state());
    return;
  }
  int64_t now_ms = loop_now_ms(); /* of this tick, as the ring has it */
  bulk_rest(now_ms + BULK_REST_MS - 1);
  assert_string_equal(bulk_state(), "io_uring");
  bulk_rest(now_ms + BULK_REST_MS);
  assert_string_equal(bulk_state(), "idle");
  all_get_it();
  assert_string_equal(bulk_state(), "io_uring");
  bulk_release();
  assert_string_equal(bulk_state(), "idle");
  all_get_it();
  bulk_allow(false);
  assert_string_equal(bulk_state(), "off");
  all_get_it();
}

/* ---- In a child, since it cannot be undone ---- */

static void refuse(long call, unsigned error) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    _exit(2);
}

/* Two rounds of sends, and what is said of them. */
static int sends_with(const char *state) {
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < PAIRS; i++) {
      char got[sizeof(text)];
      if (i == 0)
        bulk_send(sends, PAIRS);
      if (sends[i].result != (ssize_t)text_len || recv(theirs[i], got, sizeof(got), 0) != (ssize_t)text_len)
        return 3;
    }
  }
  return strcmp(bulk_state(), state) == 0 ? 0 : 4;
}

static void in_child(int (*run)(void)) {
  open_pairs();
  pid_t pid = fork();
  if (pid == 0)
    _exit(run());
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  close_pairs();
}

static int without_setup(void) {
  refuse(SYS_io_uring_setup, EPERM);
  return sends_with(strerror(EPERM));
}

static int without_system_call(void) {
  refuse(SYS_io_uring_setup, ENOSYS);
  return sends_with(strerror(ENOSYS));
}

static int without_enter(void) {
  bool has_ring = syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno == EINVAL;
  refuse(SYS_io_uring_enter, EACCES);
  return has_ring ? sends_with(strerror(EACCES)) : 0;
}

/* With a ring that worked so far. */
static int without_enter_later(void) {
  bulk_send(sends, PAIRS);
  for (unsigned i = 0; i < PAIRS; i++) {
    char got[sizeof(text)];
    if (recv(theirs[i], got, sizeof(got), 0) != (ssize_t)text_len)
      return 5;
  }
  if (strcmp(bulk_state(), "io_uring") != 0)
    return 0;
  refuse(SYS_io_uring_enter, EACCES);
  return sends_with(strerror(EACCES));
}

static int without_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 6;
  limit.rlim_cur = 3;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 6;
  int code = sends_with(strerror(EMFILE));
  if (code == 4 && strcmp(bulk_state(), "io_uring") != 0) /* refused for another reason */
    return 0;
  return code;
}

static void goes_on_without(void **state) {
  (void)state;
  in_child(without_setup);
  in_child(without_system_call);
  in_child(without_enter);
  in_child(without_enter_later);
  in_child(without_descriptors);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(one_by_one), CASE(through_io_uring), CASE(goes_on_without)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
