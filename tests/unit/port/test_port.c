/* host/port: leases that last, and every way a port can be taken. */
#include "store/store_fixture.h"

#include "config/config.h"
#include "loop/workers.h"
#include "port/port.h"
#include "port/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct told {
  uint32_t calls;
  bp_status status;
  uint32_t port;
  char message[256];
};

static struct plugin *other;
static int busy_fd;
static uint16_t busy_port; /* something listens there */

static void tell(void *ctx, bp_status status, uint32_t port, const bp_error *err) {
  struct told *t = ctx;
  t->calls++;
  t->status = status;
  t->port = port;
  snprintf(t->message, sizeof(t->message), "%s", err->message);
}

static struct told lease(struct plugin *owner, const char *name, uint32_t wanted, uint32_t first, uint32_t last) {
  struct told t = {0};
  assert_int_equal(port_table.lease(owner->handle, str_from(name), wanted, first, last, tell, &t), BP_OK);
  assert_int_equal(t.calls, 0);
  fixture_wait(&t.calls, 1);
  return t;
}

static struct told release(struct plugin *owner, const char *name) {
  struct told t = {0};
  assert_int_equal(port_table.release(owner->handle, str_from(name), tell, &t), BP_OK);
  fixture_wait(&t.calls, 1);
  return t;
}

static int listen_anywhere(uint16_t *ret_port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  *ret_port = ntohs(address.sin_port);
  return fd;
}

/* A port nothing is bound to. */
static uint16_t free_port(void) {
  uint16_t port;
  close(listen_anywhere(&port));
  return port;
}

static int set_up(void **state) {
  if (fixture_setup_with(state, ports_open) != 0)
    return -1;
  other = plugin_add(BP_LIT("other"), "/other.so");
  busy_fd = listen_anywhere(&busy_port);
  return 0;
}

static int tear_down(void **state) {
  close(busy_fd);
  plugin_revoke_all(box);
  fixture_remove_box();
  store_close();
  workers_stop();
  ports_release();
  return fixture_folder_remove(state);
}

static void test_a_name_keeps_its_port(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  uint16_t port = free_port();
  struct told t = lease(box, "web", port, 0, 0);
  assert_int_equal(t.status, BP_OK);
  assert_int_equal(t.port, port);
  assert_int_equal(lease(box, "web", 0, 1024, 2048).port, port);
  fixture_remove_box();
  store_close();
  ports_release();
  assert_int_equal(fixture_open(&err), BP_OK);
  assert_int_equal(ports_open(&err), BP_OK);
  fixture_add_box();
  store_ready();
  assert_int_equal(lease(box, "web", 0, 1024, 2048).port, port);
}

static void test_a_leased_port_names_its_holder(void **state) {
  (void)state;
  uint16_t port = free_port();
  lease(box, "web", port, 0, 0);
  struct told t = lease(other, "mine", port, 0, 0);
  assert_int_equal(t.status, BP_E_EXISTS);
  assert_non_null(strstr(t.message, "is leased to \"web\" of module \"box\""));
  assert_int_equal(release(box, "web").port, port);
  assert_int_equal(lease(other, "mine", port, 0, 0).status, BP_OK);
  assert_int_equal(release(box, "web").status, BP_E_NOT_FOUND);
}

static void test_a_bound_port_names_the_process(void **state) {
  (void)state;
  struct told t = lease(box, "web", busy_port, 0, 0);
  assert_int_equal(t.status, BP_E_EXISTS);
  assert_non_null(strstr(t.message, "unit_port_test_"));
}

static void test_a_configured_listener_is_not_leased(void **state) {
  (void)state;
  uint16_t port = free_port();
  char address[] = "127.0.0.1", family[] = "desktop";
  struct config_listener listener = {.address = address, .port = (uint16_t)(port - 1000), .family = family};
  const struct config config = {.listeners = &listener};
  ports_know_listeners(&config, 1000);
  struct told t = lease(box, "web", port, 0, 0);
  assert_int_equal(t.status, BP_E_EXISTS);
  assert_non_null(strstr(t.message, "a listener of the configuration: \"127.0.0.1\" for desktop"));
}

static void test_the_lowest_free_port_of_a_range(void **state) {
  (void)state;
  struct told t = lease(box, "web", 0, busy_port, UINT16_MAX);
  assert_int_equal(t.status, BP_OK);
  assert_true(t.port > busy_port);
  assert_int_equal(lease(box, "api", 0, busy_port, (uint32_t)t.port).status, BP_E_LIMIT);
}

static void test_many_at_once_get_different_ports(void **state) {
  (void)state;
  struct told told[20] = {0};
  char name[8];
  for (unsigned i = 0; i < 20; i++) {
    snprintf(name, sizeof(name), "n%u", i);
    assert_int_equal(port_table.lease(box->handle, str_from(name), 0, busy_port, UINT16_MAX, tell, &told[i]), BP_OK);
  }
  fixture_wait(&told[19].calls, 1);
  for (unsigned i = 1; i < 20; i++) {
    assert_int_equal(told[i].status, BP_OK);
    assert_true(told[i].port > told[i - 1].port);
  }
}

static void test_a_draining_plugin_is_told_once(void **state) {
  (void)state;
  struct told running = {0}, waiting = {0};
  port_table.lease(other->handle, BP_LIT("a"), 0, 1024, UINT16_MAX, tell, &running);
  port_table.lease(other->handle, BP_LIT("b"), 0, 1024, UINT16_MAX, tell, &waiting);
  loop_post(fixture_stop, NULL);
  loop_run();
  plugin_revoke_all(other);
  assert_int_equal(running.calls, 1);
  assert_int_equal(running.status, BP_E_CANCELLED);
  assert_int_equal(waiting.status, BP_E_CANCELLED);
  assert_int_equal(lease(box, "web", 0, busy_port, UINT16_MAX).status, BP_OK);
  assert_int_equal(running.calls, 1);
  assert_int_equal(waiting.calls, 1);
}

static void test_what_is_wrong_is_refused(void **state) {
  (void)state;
  struct told t = {0};
  assert_int_equal(port_table.lease(box->handle, BP_LIT("a"), 70000, 0, 0, tell, &t), BP_E_INVALID);
  assert_int_equal(port_table.lease(box->handle, BP_LIT("a"), 0, 9000, 8000, tell, &t), BP_E_INVALID);
  assert_int_equal(port_table.lease(box->handle, BP_LIT(""), 8000, 0, 0, tell, &t), BP_E_INVALID);
  assert_int_equal(port_table.lease(0, BP_LIT("a"), 8000, 0, 0, tell, &t), BP_E_STALE);
  assert_int_equal(t.calls, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_a_name_keeps_its_port),           CASE(test_a_leased_port_names_its_holder),
      CASE(test_a_bound_port_names_the_process),  CASE(test_a_configured_listener_is_not_leased),
      CASE(test_the_lowest_free_port_of_a_range), CASE(test_many_at_once_get_different_ports),
      CASE(test_a_draining_plugin_is_told_once),  CASE(test_what_is_wrong_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
