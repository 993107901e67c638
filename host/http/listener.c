/* Listeners: accepting in bounded batches, the cap on connections, and what happens when descriptors run out. */
#include "http/listener.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/limits.h"
#include "http/socket.h"
#include "http/sweep.h"
#include "http/wire.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64
#define BACK_OFF_MS 100
#define WARN_EVERY_MS 10000

/* http_listener.wire. Connections hold references, so the struct they point at outlives the socket. */
struct listener_wire {
  struct event accept;
  struct event resume; /* after a back-off */
  uint32_t references;
  bool owns_path; /* of a Unix socket, while dev and ino are still ours */
  dev_t dev;
  ino_t ino;
};

static struct http_listener *listeners;
static uint32_t connections_max;
static int reserve_fd = -1;
static bool is_held;
static int64_t warned_ms;

struct http_listener *http_listeners(void) {
  return listeners;
}

static struct listener_wire *wire_of(const struct http_listener *listener) {
  return listener->wire;
}

struct http_listener *listener_ref(struct http_listener *listener) {
  wire_of(listener)->references++;
  return listener;
}

void listener_unref(struct http_listener *listener) {
  if (--wire_of(listener)->references)
    return;
  free(listener->wire);
  free(listener->address);
  free(listener->family);
  free(listener);
}

/* ---- Running out ---- */

static void warn_full(const char *what) {
  int64_t now_ms = loop_now_ms();
  if (warned_ms && now_ms - warned_ms < WARN_EVERY_MS)
    return;
  warned_ms = now_ms;
  log_warn("http", "%s: %u connections are open; raise the limit of open files to serve more", what, wire.counters.connections);
}

/* The last word to a client there is no room for. */
static void turn_away(int fd) {
  static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
  (void)recv(fd, wire.scratch, SCRATCH_BYTES, MSG_DONTWAIT);
  (void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  close(fd);
}

static bool close_oldest_idle(void) {
  struct http_connection *oldest = sweep_oldest(WAIT_IDLE);
  if (oldest)
    connection_destroy(oldest);
  return oldest != NULL;
}

static void open_reserve(void) {
  if (reserve_fd < 0)
    reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_resume(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  struct http_listener *listener = arg;
  open_reserve();
  event_add(&wire_of(listener)->accept, NULL);
}

static void back_off(struct http_listener *listener) {
  struct timeval pause = {.tv_usec = BACK_OFF_MS * 1000};
  event_del(&wire_of(listener)->accept);
  evtimer_add(&wire_of(listener)->resume, &pause);
}

/* No descriptor is left: the oldest idle connection gives its own, else the reserve serves to turn one client away. */
static void run_out(struct http_listener *listener) {
  warn_full("no file descriptor for a new connection");
  if (close_oldest_idle())
    return;
  if (reserve_fd >= 0) {
    close(reserve_fd);
    reserve_fd = -1;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      turn_away(fd);
    open_reserve();
  }
  back_off(listener);
}

/* ---- Accepting ---- */

static void admit(struct http_listener *listener, int fd) {
  if (wire.counters.connections >= connections_max && !close_oldest_idle()) {
    warn_full("the cap on connections is reached");
    turn_away(fd);
    return;
  }
  struct http_connection *c = connection_accept(listener, fd);
  /* Half of the room stays with those who are known. */
  if (c && c->is_stranger && wire.strangers > connections_max / 2) {
    warn_full("half of the cap on connections is taken by clients that are not known");
    connection_destroy(c);
  }
}

static void on_accept(evutil_socket_t socket_fd, short what, void *arg) {
  (void)what;
  struct http_listener *listener = arg;
  for (int i = 0; i < ACCEPTS_A_TURN; i++) {
    int fd = accept4(socket_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(listener, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      run_out(listener);
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

/* ---- Opening and closing ---- */

static uint32_t count_connections_max(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > UINT32_MAX)
    return UINT32_MAX / 2;
  uint32_t files = (uint32_t)limit.rlim_cur;
  return files >= 2 * http_limits.fd_reserve ? files - http_limits.fd_reserve : files / 2;
}

static void remember_path(const struct http_listener *listener) {
  struct stat info;
  struct listener_wire *own = wire_of(listener);
  if (!listener->is_unix || stat(listener->address, &info) != 0)
    return;
  own->owns_path = true;
  own->dev = info.st_dev;
  own->ino = info.st_ino;
}

static void remove_path(const struct http_listener *listener) {
  struct stat info;
  const struct listener_wire *own = wire_of(listener);
  if (own->owns_path && stat(listener->address, &info) == 0 && info.st_dev == own->dev && info.st_ino == own->ino)
    unlink(listener->address);
}

bp_status http_listen_fd(struct http_listener *listener, int fd, bp_error *err) {
  LOOP_MAIN();
  struct listener_wire *own = mem_alloc(sizeof(*own));
  if (!socket_prepare(fd, !listener->is_public) || event_assign(&own->accept, loop_base(), fd, EV_READ | EV_PERSIST, on_accept, listener) != 0 ||
      evtimer_assign(&own->resume, loop_base(), on_resume, listener) != 0 || (!is_held && event_add(&own->accept, NULL) != 0)) {
    free(own);
    return fail(err, BP_E_IO, "accept connections on \"%s\": %s", listener->address, strerror(errno));
  }
  own->references = 1;
  listener->wire = own;
  listener->fd = fd;
  listener->next = listeners;
  listeners = listener;
  connections_max = count_connections_max();
  open_reserve();
  return BP_OK;
}

bp_status http_listen(struct http_listener *listener, bp_error *err) {
  int fd;
  bp_status status = socket_open(listener, &fd, err);
  if (status != BP_OK)
    return status;
  status = http_listen_fd(listener, fd, err);
  if (status == BP_OK)
    remember_path(listener);
  else
    close(fd);
  return status;
}

void http_hold(bool is_now_held) {
  LOOP_MAIN();
  is_held = is_now_held;
  for (struct http_listener *l = listeners; l; l = l->next) {
    if (is_held)
      event_del(&wire_of(l)->accept);
    else
      event_add(&wire_of(l)->accept, NULL);
  }
}

void http_unlisten(struct http_listener *listener) {
  LOOP_MAIN();
  struct http_listener **link = &listeners;
  while (*link && *link != listener)
    link = &(*link)->next;
  if (!*link)
    return;
  *link = listener->next;
  event_del(&wire_of(listener)->accept);
  event_del(&wire_of(listener)->resume);
  remove_path(listener);
  close(listener->fd);
  listener->fd = -1;
  listener_unref(listener);
}
