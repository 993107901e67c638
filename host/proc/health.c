/* Probes; see health.h.
 *
 *   begin -> (timer) -> connect to 127.0.0.1, if refused to ::1 -> TCP: healthy | HTTP: send, read the status line -> (timer) -> ...
 *
 * `changed` may end the probing from within, so nothing of a health is touched after it. */
#include "proc/health.h"
#include "base/array.h"
#include "base/fail.h"
#include "base/str.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH_BYTES_MOST 1024u
#define FIRST_MS 100u /* after the start, and again until it is healthy once */

/* ---- Plans ---- */

static bool is_path(bp_str path) {
  for (size_t i = 0; i < path.len; i++)
    if (path.ptr[i] <= ' ' || path.ptr[i] > '~')
      return false;
  return path.len <= PATH_BYTES_MOST && (path.len == 0 || path.ptr[0] == '/');
}

bp_status health_plan_copy(const bp_proc_probe *given, struct health_plan *ret, bp_error *err) {
  bp_proc_probe wide;
  *ret = (struct health_plan){0};
  if (!given)
    return BP_OK;
  array_item(((bp_array){given, 1, given->size}), 0, &wide);
  if (wide.kind == BP_PROBE_NONE)
    return BP_OK;
  if (wide.kind > BP_PROBE_HTTP)
    return fail(err, BP_E_INVALID, "probe kind %u is not known to this host", (unsigned)wide.kind);
  if (wide.port == 0 || wide.port > 65535)
    return fail(err, BP_E_INVALID, "a probe's port is 1 to 65535, not %u", (unsigned)wide.port);
  if ((wide.interval_ms && wide.interval_ms < 100) || wide.interval_ms > 3600000 || wide.timeout_ms > 60000 || wide.failures > 1000)
    return fail(err, BP_E_INVALID, "a probe's interval_ms is 100 to 3600000, timeout_ms at most 60000, failures at most 1000");
  if (!is_path(wide.path))
    return fail(err, BP_E_INVALID, "a probe's path begins with \"/\" and has visible ASCII only, at most %u bytes", PATH_BYTES_MOST);
  *ret = (struct health_plan){.kind = wide.kind,
                              .port = wide.port,
                              .interval_ms = wide.interval_ms ? wide.interval_ms : 5000,
                              .timeout_ms = wide.timeout_ms ? wide.timeout_ms : 2000,
                              .failures = wide.failures ? wide.failures : 3,
                              .start_ms = wide.start_ms ? wide.start_ms : 10000,
                              .restarts = wide.restarts,
                              .path = str_dupz(wide.path.len ? wide.path : BP_LIT("/"))};
  return BP_OK;
}

void health_plan_release(struct health_plan *plan) {
  free(plan->path);
  *plan = (struct health_plan){0};
}

/* ---- Results ---- */

static void set_timer(struct health *h, uint32_t ms) {
  const struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
  evtimer_add(&h->timer, &wait);
}

static void close_probe(struct health *h) {
  if (h->fd < 0)
    return;
  event_del(&h->io);
  close(h->fd);
  h->fd = -1;
}

static void next_probe(struct health *h) {
  bool is_starting = h->state == BP_HEALTH_UNKNOWN && FIRST_MS < h->plan->interval_ms;
  close_probe(h);
  set_timer(h, is_starting ? FIRST_MS : h->plan->interval_ms);
}

static void succeeded(struct health *h) {
  bool is_news = h->state != BP_HEALTH_HEALTHY;
  h->failures = 0;
  h->state = BP_HEALTH_HEALTHY;
  next_probe(h);
  if (is_news)
    h->changed(h->ctx, BP_HEALTH_HEALTHY, bp_str_make(NULL, 0));
}

static void failed(struct health *h, const char *reason) {
  bool is_starting = h->state == BP_HEALTH_UNKNOWN && loop_now_ms() - h->started_ms < h->plan->start_ms;
  h->failures += !is_starting;
  bool is_news = h->failures >= h->plan->failures && h->state != BP_HEALTH_UNHEALTHY;
  if (is_news)
    h->state = BP_HEALTH_UNHEALTHY;
  next_probe(h);
  if (is_news)
    h->changed(h->ctx, BP_HEALTH_UNHEALTHY, str_from(reason));
}

/* ---- HTTP ---- */

static bool send_request(const struct health *h) {
  char text[PATH_BYTES_MOST + 160];
  int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: backplane-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                     h->plan->path, h->is_v6 ? "[::1]" : "127.0.0.1", (unsigned)h->plan->port);
  return send(h->fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* "HTTP/1.x NNN" */
static int status_of(const char *answer) {
  if (strncmp(answer, "HTTP/1.", 7) != 0 || answer[8] != ' ')
    return 0;
  return (int)strtol(answer + 9, NULL, 10);
}

static void judge_answer(struct health *h) {
  char reason[64];
  int status = status_of(h->answer);
  if (status >= 200 && status < 400) {
    succeeded(h);
    return;
  }
  if (status)
    snprintf(reason, sizeof(reason), "it answers with status %d", status);
  else
    snprintf(reason, sizeof(reason), "it does not answer in HTTP");
  failed(h, reason);
}

static void read_answer(struct health *h) {
  ssize_t got = recv(h->fd, h->answer + h->answer_len, 12 - h->answer_len, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    failed(h, "it closes the connection without an answer");
    return;
  }
  h->answer_len += (size_t)got;
  h->answer[h->answer_len] = '\0';
  if (h->answer_len == 12)
    judge_answer(h);
}

/* ---- Connecting ---- */

static void start_probe(struct health *h, bool is_v6);

/* On loopback a connect to a port nobody listens on may meet itself. */
static bool has_met_itself(int fd) {
  struct sockaddr_in6 own = {0}, other = {0};
  socklen_t own_len = sizeof(own), other_len = sizeof(other);
  return getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 && getpeername(fd, (struct sockaddr *)&other, &other_len) == 0 &&
         own.sin6_port == other.sin6_port; /* at the same place for IPv4 */
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static void refused(struct health *h, int error) {
  char reason[96];
  if (!h->is_v6) {
    close_probe(h);
    start_probe(h, true);
    return;
  }
  snprintf(reason, sizeof(reason), "no connection to port %u: %s", (unsigned)h->plan->port, strerror(error));
  failed(h, reason);
}

static void connected(struct health *h) {
  int error = 0;
  socklen_t len = sizeof(error);
  if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
    error = errno;
  if (error == 0 && has_met_itself(h->fd))
    error = ECONNREFUSED;
  if (error) {
    refused(h, error);
  } else if (h->plan->kind == BP_PROBE_TCP) {
    succeeded(h);
  } else if (!send_request(h)) {
    failed(h, "it does not take a request");
  } else {
    h->is_sent = true;
    event_del(&h->io);
    event_assign(&h->io, loop_base(), h->fd, EV_READ | EV_PERSIST, on_io, h);
    event_add(&h->io, NULL);
  }
}

static void on_io(evutil_socket_t fd, short what, void *arg) {
  struct health *h = arg;
  (void)fd;
  (void)what;
  if (h->is_sent)
    read_answer(h);
  else
    connected(h);
}

static void start_probe(struct health *h, bool is_v6) {
  const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->plan->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)h->plan->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const struct sockaddr *address = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
  h->is_v6 = is_v6;
  h->is_sent = false;
  h->answer_len = 0;
  h->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (h->fd < 0) {
    if (!is_v6 && errno != EAFNOSUPPORT)
      next_probe(h); /* the host's shortage of descriptors is not the child's fault */
    else
      failed(h, "no connection on loopback");
    return;
  }
  event_assign(&h->io, loop_base(), h->fd, EV_WRITE | EV_PERSIST, on_io, h);
  if (connect(h->fd, address, is_v6 ? sizeof(v6) : sizeof(v4)) != 0 && errno != EINPROGRESS) {
    refused(h, errno);
    return;
  }
  event_add(&h->io, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct health *h = arg;
  (void)fd;
  (void)what;
  if (h->fd >= 0) {
    failed(h, h->is_sent ? "it does not answer in time" : "it does not take a connection in time");
    return;
  }
  set_timer(h, h->plan->timeout_ms);
  start_probe(h, false);
}

/* ---- Life ---- */

void health_init(struct health *h, health_fn changed, void *ctx) {
  *h = (struct health){.changed = changed, .ctx = ctx, .fd = -1};
  evtimer_assign(&h->timer, loop_base(), on_timer, h);
}

void health_begin(struct health *h, const struct health_plan *plan) {
  health_end(h);
  if (plan->kind == BP_PROBE_NONE)
    return;
  h->plan = plan;
  h->failures = 0;
  h->started_ms = loop_now_ms();
  set_timer(h, FIRST_MS);
}

void health_end(struct health *h) {
  close_probe(h);
  evtimer_del(&h->timer);
  h->plan = NULL;
  h->state = BP_HEALTH_UNKNOWN;
}
