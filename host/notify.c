/* sd_notify(3) without libsystemd; see notify.h. */
#include "notify.h"
#include "base/clock.h"
#include "base/str.h"
#include "loop/loop.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct {
  struct sockaddr_un address;
  socklen_t address_len; /* 0: nobody listens */
  int fd;
  struct event *watchdog;
} notify = {.fd = -1};

static void send_text(const char *text) {
  if (notify.fd >= 0)
    sendto(notify.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&notify.address, notify.address_len);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  send_text("WATCHDOG=1");
}

/* Half of what systemd allows; only for the process it meant. */
static void start_watchdog(void) {
  const char *usec_text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
  int64_t usec, pid;
  if (!usec_text || !str_to_i64(str_from(usec_text), &usec) || usec < 2000)
    return;
  if (pid_text && (!str_to_i64(str_from(pid_text), &pid) || pid != getpid()))
    return;
  const struct timeval interval = {.tv_sec = (time_t)(usec / 2000000), .tv_usec = (suseconds_t)(usec / 2 % 1000000)};
  notify.watchdog = event_new(loop_base(), -1, EV_PERSIST, on_watchdog, NULL);
  event_add(notify.watchdog, &interval);
}

void notify_init(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  if (path && (path[0] == '/' || path[0] == '@') && strlen(path) < sizeof(notify.address.sun_path)) {
    notify.address.sun_family = AF_UNIX;
    memcpy(notify.address.sun_path, path, strlen(path));
    if (path[0] == '@') /* an abstract name */
      notify.address.sun_path[0] = '\0';
    notify.address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    notify.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    start_watchdog();
  }
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

void notify_ready(void) {
  send_text("READY=1");
}

void notify_reloading(void) {
  char text[80];
  snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_monotonic_ns() / 1000));
  send_text(text);
}

void notify_stopping(void) {
  send_text("STOPPING=1");
}

void notify_release(void) {
  if (notify.watchdog)
    event_free(notify.watchdog);
  if (notify.fd >= 0)
    close(notify.fd);
  notify.watchdog = NULL;
  notify.fd = -1;
}
