/* Probes of children: this program started again as a small server is what they probe. */
#include "children.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* ---- The server: "serve PORT STATUS GOOD": the first GOOD requests of all are answered with 200, STATUS 0 answers nothing ---- */

static int listen_on(uint16_t port) {
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0)
    return -1;
  return fd;
}

static void answer(int fd, int status) {
  char text[512];
  ssize_t got = recv(fd, text, sizeof(text), 0);
  if (got <= 0)
    return;
  int len = snprintf(text, sizeof(text), "HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
  send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

static int serve(uint16_t port, int status, int good) {
  int listener = listen_on(port);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
      return 1;
    if (status || good > 0)
      answer(fd, good-- > 0 ? 200 : status);
    else
      pause();
    close(fd);
  }
}

/* ---- Watching ---- */

struct watched {
  struct seen seen; /* first: what the other events get */
  unsigned healthy, unhealthy;
  char reason[128];
  bool stops;
};

static void on_health(void *ctx, bp_proc proc, uint32_t health, bp_str reason) {
  struct watched *w = ctx;
  assert_int_equal(proc_table.health(proc), health);
  w->healthy += health == BP_HEALTH_HEALTHY;
  w->unhealthy += health == BP_HEALTH_UNHEALTHY;
  snprintf(w->reason, sizeof(w->reason), "%.*s", (int)reason.len, reason.ptr ? reason.ptr : "");
  if (w->stops && health == BP_HEALTH_UNHEALTHY)
    proc_table.stop(proc);
}

static bool is_healthy(void *arg) {
  return ((struct watched *)arg)->healthy > 0;
}
static bool is_healthy_twice(void *arg) {
  return ((struct watched *)arg)->healthy > 1;
}
static bool is_unhealthy(void *arg) {
  return ((struct watched *)arg)->unhealthy > 0;
}

static uint16_t free_port(void) {
  struct sockaddr_in address = {0};
  socklen_t len = sizeof(address);
  int fd = listen_on(0);
  getsockname(fd, (struct sockaddr *)&address, &len);
  close(fd);
  return ntohs(address.sin_port);
}

static bp_proc_probe probe_of(uint32_t kind, uint16_t port) {
  return (bp_proc_probe){.size = sizeof(bp_proc_probe),
                         .kind = kind,
                         .port = port,
                         .interval_ms = 100,
                         .timeout_ms = 20000,
                         .failures = 2,
                         .path = BP_LIT("/health?x=1")};
}

static void start(struct watched *w, const bp_proc_probe *probe, uint16_t port, const char *status, const char *good) {
  static char self[256], number[8];
  bp_proc_events events = watch_all;
  bp_error err = BP_ERROR_INIT;
  ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
  snprintf(number, sizeof(number), "%u", port);
  const bp_str argv[] = {bp_str_make(self, (size_t)len), BP_LIT("serve"), str_from(number), str_from(status), str_from(good)};
  bp_proc_spec spec = spec_of(argv, 5);
  spec.probe = probe;
  events.health = on_health;
  if (proc_table.spawn(plugin->handle, &spec, &events, w, &w->seen.proc, &err) != BP_OK)
    fail_msg("spawn: %s", err.message);
}

static void stop(struct watched *w) {
  proc_table.stop(w->seen.proc);
  assert_true(run_until(has_exited, &w->seen));
  forget(&w->seen);
}

/* ---- Tests ---- */

static void test_a_port_that_takes_connections_is_healthy(void **state) {
  struct watched w = {0};
  uint16_t port = free_port();
  (void)state;
  const bp_proc_probe probe = probe_of(BP_PROBE_TCP, port);
  start(&w, &probe, port, "200", "0");
  assert_int_equal(proc_table.health(w.seen.proc), BP_HEALTH_UNKNOWN);
  assert_true(run_until(is_healthy, &w));
  assert_int_equal(w.unhealthy, 0);
  stop(&w);
}

static void test_an_unhealthy_child_is_started_again(void **state) {
  struct watched w = {0};
  uint16_t port = free_port();
  (void)state;
  bp_proc_probe probe = probe_of(BP_PROBE_HTTP, port);
  probe.restarts = 1;
  start(&w, &probe, port, "503", "2");
  assert_true(run_until(is_unhealthy, &w));
  assert_int_equal(w.healthy, 1);
  assert_string_equal(w.reason, "it answers with status 503");
  assert_true(run_until(has_exited, &w.seen));
  assert_int_equal(w.seen.exit.why, BP_PROC_UNHEALTHY);
  assert_int_equal(w.seen.exit.will_restart, 1);
  assert_true(run_until(is_healthy_twice, &w));
  assert_true(w.seen.starts >= 2);
  w.seen.exits = 0;
  stop(&w);
}

static void test_without_restarts_it_goes_on(void **state) {
  struct watched w = {0};
  uint16_t port = free_port();
  (void)state;
  bp_proc_probe probe = probe_of(BP_PROBE_HTTP, port);
  probe.timeout_ms = 100;
  probe.start_ms = 1;
  start(&w, &probe, port, "0", "0");
  assert_true(run_until(is_unhealthy, &w));
  assert_int_equal(w.healthy, 0);
  assert_int_equal(w.seen.exits, 0);
  assert_true(is_alive(w.seen.pid));
  stop(&w);
}

static void test_stopping_it_wins_over_starting_again(void **state) {
  struct watched w = {.stops = true};
  uint16_t port = free_port();
  (void)state;
  bp_proc_probe probe = probe_of(BP_PROBE_HTTP, port);
  probe.restarts = 1;
  start(&w, &probe, port, "500", "1");
  assert_true(run_until(has_exited, &w.seen));
  assert_int_equal(w.seen.exit.why, BP_PROC_STOPPED);
  assert_int_equal(w.seen.exit.will_restart, 0);
  forget(&w.seen);
}

static void test_failures_while_it_starts_do_not_count(void **state) {
  struct watched w = {0};
  int ticks = 100;
  (void)state;
  bp_proc_probe probe = probe_of(BP_PROBE_TCP, free_port());
  probe.failures = 1;
  probe.start_ms = 600000;
  start(&w, &probe, free_port(), "200", "0");
  assert_true(run_until(ticks_passed, &ticks));
  assert_int_equal(w.healthy + w.unhealthy, 0);
  /* The same child, asked for less patiently: nothing listens there. */
  probe.start_ms = 1;
  assert_int_equal(proc_table.probe(w.seen.proc, &probe), BP_OK);
  assert_true(run_until(is_unhealthy, &w));
  assert_non_null(strstr(w.reason, "no connection to port"));
  assert_int_equal(proc_table.probe(w.seen.proc, NULL), BP_OK);
  assert_int_equal(proc_table.health(w.seen.proc), BP_HEALTH_UNKNOWN);
  stop(&w);
}

static void test_a_wrong_probe_is_refused(void **state) {
  (void)state;
  const struct {
    bp_proc_probe probe;
    const char *named;
  } wrong[] = {
      {{.size = sizeof(bp_proc_probe), .kind = 9, .port = 1}, "kind"},
      {{.size = sizeof(bp_proc_probe), .kind = BP_PROBE_TCP}, "port"},
      {{.size = sizeof(bp_proc_probe), .kind = BP_PROBE_TCP, .port = 70000}, "port"},
      {{.size = sizeof(bp_proc_probe), .kind = BP_PROBE_TCP, .port = 1, .interval_ms = 5}, "interval_ms"},
      {{.size = sizeof(bp_proc_probe), .kind = BP_PROBE_HTTP, .port = 1, .path = BP_LIT("health")}, "path"},
      {{.size = sizeof(bp_proc_probe), .kind = BP_PROBE_HTTP, .port = 1, .path = BP_LIT("/a b\r\nX: y")}, "path"},
  };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    bp_error err = BP_ERROR_INIT;
    struct seen seen = {0};
    bp_proc_spec spec = shell("exit 0");
    spec.probe = &wrong[i].probe;
    assert_int_equal(proc_table.spawn(plugin->handle, &spec, &watch_all, &seen, &seen.proc, &err), BP_E_INVALID);
    assert_non_null(strstr(err.message, wrong[i].named));
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_port_that_takes_connections_is_healthy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_an_unhealthy_child_is_started_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_without_restarts_it_goes_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_stopping_it_wins_over_starting_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_failures_while_it_starts_do_not_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_wrong_probe_is_refused, set_up, tear_down),
  };
  if (argc == 5)
    return serve((uint16_t)strtoul(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
