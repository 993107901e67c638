/* What systemd is told: one datagram a message, and nothing where nobody listens. */
#include "unit.h"

#include "loop/loop.h"
#include "notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listener = -1;

/* An abstract socket of our own, announced in the environment. */
static int set_up(void **state) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char name[64];
  (void)state;
  int len = snprintf(name, sizeof(name), "@backplane-test-notify-%d", (int)getpid());
  memcpy(address.sun_path, name, (size_t)len);
  address.sun_path[0] = '\0';
  listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)) != 0)
    return -1;
  setenv("NOTIFY_SOCKET", name, 1);
  return loop_init() ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  notify_release();
  loop_release();
  close(listener);
  return 0;
}

static void assert_told(const char *expected) {
  char text[128];
  ssize_t len = recv(listener, text, sizeof(text) - 1, 0);
  assert_true(len > 0);
  text[len] = '\0';
  assert_memory_equal(text, expected, strlen(expected));
}

static void test_messages(void **state) {
  (void)state;
  notify_init();
  notify_ready();
  notify_reloading();
  notify_stopping();
  assert_told("READY=1");
  assert_told("RELOADING=1\nMONOTONIC_USEC=");
  assert_told("STOPPING=1");
  assert_null(getenv("NOTIFY_SOCKET")); /* children must not speak for us */
}

static void stop(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  loop_stop();
}

static void test_watchdog(void **state) {
  const struct timeval moment = {.tv_usec = 50000};
  (void)state;
  setenv("WATCHDOG_USEC", "20000", 1);
  notify_init();
  struct event *timer = evtimer_new(loop_base(), stop, NULL);
  evtimer_add(timer, &moment);
  loop_run();
  event_free(timer);
  assert_told("WATCHDOG=1");
}

static void test_nobody_listens(void **state) {
  (void)state;
  unsetenv("NOTIFY_SOCKET");
  notify_init();
  notify_ready();
  assert_int_equal(recv(listener, &(char){0}, 1, MSG_DONTWAIT), -1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {CASE(test_messages), CASE(test_watchdog), CASE(test_nobody_listens)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
