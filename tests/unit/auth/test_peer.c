/* Unit tests of host/auth/peer.c over real sockets: this user, another user, clients that are gone. */
#include "auth/gate.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_UID 65534

/* A listening socket on a free port of 127.0.0.1 or ::1; `ret` is where to connect to. */
static int listen_on(int family, struct sockaddr_storage *ret, socklen_t *ret_len) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  *ret_len = family == AF_INET ? sizeof(v4) : sizeof(v6);
  memcpy(ret, family == AF_INET ? (void *)&v4 : (void *)&v6, *ret_len);
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)ret, *ret_len) != 0)
    return -1;
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)ret, ret_len), 0);
  return fd;
}

static void check_own_connection(int family) {
  struct sockaddr_storage address;
  socklen_t len;
  struct auth_peer peer;
  int server = listen_on(family, &address, &len);
  if (server < 0) {
    print_message("no address family %d here\n", family);
    return;
  }
  int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
  int accepted = accept(server, NULL, NULL);
  auth_peer_lookup(accepted, &peer);
  assert_true(peer.is_known);
  assert_false(peer.is_unix);
  assert_int_equal(peer.uid, geteuid());
  close(client);
  auth_peer_lookup(accepted, &peer);
  assert_false(peer.is_known);
  close(accepted);
  close(server);
}

static void test_our_own_connection_is_ours_until_it_is_closed(void **state) {
  (void)state;
  check_own_connection(AF_INET);
  check_own_connection(AF_INET6);
}

static void test_a_v4_client_of_a_v6_listener_is_found(void **state) {
  (void)state;
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  socklen_t len = sizeof(any);
  struct auth_peer peer;
  int server = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;
  if (server < 0 || setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
    skip();
  assert_int_equal(bind(server, (struct sockaddr *)&any, sizeof(any)), 0);
  assert_int_equal(listen(server, 1), 0);
  assert_int_equal(getsockname(server, (struct sockaddr *)&any, &len), 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = any.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
  int accepted = accept(server, NULL, NULL);
  auth_peer_lookup(accepted, &peer);
  assert_true(peer.is_known);
  assert_int_equal(peer.uid, geteuid());
  close(client);
  close(accepted);
  close(server);
}

/* Connects as another user and writes; then closes at once, or waits until `hold` says end of file. */
static pid_t connect_as_other(const struct sockaddr_storage *address, socklen_t len, const int hold[2]) {
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  char byte;
  close(hold[1]);
  /* First another user, then the socket: it belongs to whoever made it. */
  int fd = setuid(OTHER_UID) == 0 ? socket(address->ss_family, SOCK_STREAM, 0) : -1;
  if (connect(fd, (const struct sockaddr *)address, len) != 0 || write(fd, "GET / HTTP/1.1\r\n", 16) != 16)
    _exit(1);
  if (hold[0] >= 0)
    (void)!read(hold[0], &byte, 1);
  _exit(0);
}

static void check_other_user(bool closes_at_once) {
  struct sockaddr_storage address;
  socklen_t len;
  struct auth_peer peer;
  int hold[2], exit_status;
  int server = listen_on(AF_INET, &address, &len);
  assert_int_equal(pipe(hold), 0);
  const int held[2] = {closes_at_once ? -1 : hold[0], hold[1]};
  pid_t pid = connect_as_other(&address, len, held);
  int accepted = accept(server, NULL, NULL);
  if (closes_at_once)
    assert_int_equal(waitpid(pid, &exit_status, 0), pid);
  auth_peer_lookup(accepted, &peer);
  assert_int_equal(peer.is_known, !closes_at_once);
  assert_int_equal(peer.uid, closes_at_once ? (uid_t)-1 : (uid_t)OTHER_UID);
  close(hold[1]);
  if (!closes_at_once)
    assert_int_equal(waitpid(pid, &exit_status, 0), pid);
  assert_true(WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 0);
  close(hold[0]);
  close(accepted);
  close(server);
}

static void test_another_user_is_named(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("skipped: only root can become another user\n");
    skip();
  }
  check_other_user(false);
}

/* Orphaned sockets answer with uid 0: that must not make anybody root. */
static void test_another_user_who_closes_at_once_is_unknown(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("skipped: only root can become another user\n");
    skip();
  }
  check_other_user(true);
}

static void test_a_unix_peer_is_named_by_the_kernel(void **state) {
  (void)state;
  struct auth_peer peer;
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  auth_peer_lookup(pair[0], &peer);
  assert_true(peer.is_known && peer.is_unix);
  assert_int_equal(peer.uid, geteuid());
  close(pair[0]);
  close(pair[1]);
}

static void test_what_is_no_connection_is_unknown(void **state) {
  (void)state;
  struct auth_peer peer;
  auth_peer_lookup(-1, &peer);
  assert_false(peer.is_known);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  auth_peer_lookup(fd, &peer);
  assert_false(peer.is_known);
  close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_our_own_connection_is_ours_until_it_is_closed),
      cmocka_unit_test(test_a_v4_client_of_a_v6_listener_is_found),
      cmocka_unit_test(test_another_user_is_named),
      cmocka_unit_test(test_another_user_who_closes_at_once_is_unknown),
      cmocka_unit_test(test_a_unix_peer_is_named_by_the_kernel),
      cmocka_unit_test(test_what_is_no_connection_is_unknown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
