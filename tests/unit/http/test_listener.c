/* Unit tests of listeners: taken ports, Unix sockets, running out of descriptors, the graceful stop. */
#include "http/application.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

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

static void test_while_held_clients_wait_and_are_served_after(void **state) {
  (void)state;
  struct buf in = {0};
  http_hold(true);
  int fd = loopback_connect();
  loopback_send_z(fd, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int turn = 0; turn < 20; turn++)
    event_base_loop(loop_base(), EVLOOP_NONBLOCK);
  assert_int_equal(http_counters()->connections, 0);
  http_hold(false);
  loopback_expect(fd, &in, "/held");
  close(fd);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_taken_port_names_its_holder),
      TEST(test_a_unix_socket_is_private_and_replaces_a_stale_one),
      TEST(test_while_held_clients_wait_and_are_served_after),
      TEST(test_full_descriptors_cost_the_oldest_idle_connection),
      TEST(test_without_idle_connections_a_client_is_turned_away),
      TEST(test_a_stop_lets_running_requests_finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
