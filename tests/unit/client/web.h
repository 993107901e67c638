/* A small server on a thread, one connection after the other, that misbehaves by path; and requests that wait for their end. */
#ifndef TESTS_UNIT_CLIENT_WEB_H
#define TESTS_UNIT_CLIENT_WEB_H

#include "unit.h"

#include "base/buf.h"
#include "client/multi.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WEB_CONNECTIONS 16

static struct {
  pthread_t thread;
  int listener, unix_listener;
  uint16_t port;
  char socket_path[64];
  int stop_pipe[2];
  int open[WEB_CONNECTIONS]; /* kept without an answer */
  unsigned open_count;
  size_t endless_sent; /* atomic: of /endless */
  char redirect[256];  /* where /redirect leads */
} web;

static inline void web_say(int fd, const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
    if (n <= 0)
      return;
    text += n;
    left -= (size_t)n;
  }
}

static inline void web_answer(int fd, const char *status, const char *headers, const char *body) {
  struct buf text = {0};
  buf_printf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n%s", status, strlen(body), headers, body);
  buf_append_char(&text, '\0');
  web_say(fd, text.data);
  buf_release(&text);
}

/* Sends until the peer leaves or the server stops. */
static inline void web_endless(int fd) {
  static char block[65536];
  memset(block, 'x', sizeof(block));
  web_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  for (;;) {
    struct pollfd poll_fds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = web.stop_pipe[0], .events = POLLIN}};
    if (poll(poll_fds, 2, -1) < 0 || poll_fds[1].revents)
      return;
    ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
      continue; /* the kernel is short of memory for the moment */
    if (n <= 0)
      return;
    __atomic_add_fetch(&web.endless_sent, (size_t)n, __ATOMIC_RELAXED);
  }
}

static inline bool web_is(const char *request, const char *path) {
  const char *space = strchr(request, ' ');
  return space && strncmp(space + 1, path, strlen(path)) == 0 && (space[1 + strlen(path)] == ' ' || space[1 + strlen(path)] == '?');
}

/* True if the connection is to be kept open without another word. */
static inline bool web_serve(int fd, const char *request) {
  char headers[320];
  if (web_is(request, "/slow"))
    return true;
  if (web_is(request, "/trickle")) {
    web_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst");
    return true;
  }
  if (web_is(request, "/half"))
    web_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  else if (web_is(request, "/nonsense"))
    web_say(fd, "SSH-2.0-nonsense\r\n");
  else if (web_is(request, "/heads"))
    for (unsigned i = 0; i < 20000; i++)
      web_say(fd, i == 0 ? "HTTP/1.1 200 OK\r\n" : "X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
  else if (web_is(request, "/endless"))
    web_endless(fd);
  else if (web_is(request, "/missing"))
    web_answer(fd, "404 Not Found", "X-One: a\r\nX-Empty:\r\n", "none");
  else if (web_is(request, "/early"))
    web_say(fd, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-Last: y\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  else if (web_is(request, "/redirect")) {
    snprintf(headers, sizeof(headers), "Location: %s\r\n", web.redirect);
    web_answer(fd, "302 Found", headers, "ignored");
  } else if (web_is(request, "/keep-method")) {
    snprintf(headers, sizeof(headers), "Location: %s\r\n", web.redirect);
    web_answer(fd, "307 Temporary Redirect", headers, "ignored");
  } else
    web_answer(fd, "200 OK", "Content-Type: text/plain\r\n", request); /* an echo of what came */
  return false;
}

static inline size_t web_length(const char *head) {
  const char *at = strstr(head, "Content-Length: ");
  return at ? (size_t)strtoul(at + 16, NULL, 10) : 0;
}

static inline void web_connection(int fd) {
  static char request[1 << 20];
  size_t len = 0;
  for (const char *end = NULL;;) {
    ssize_t n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
    if (n <= 0)
      break;
    request[len += (size_t)n] = '\0';
    end = strstr(request, "\r\n\r\n");
    if (end && len >= (size_t)(end + 4 - request) + web_length(request))
      break;
  }
  request[len] = '\0';
  if (len > 0 && web_serve(fd, request) && web.open_count < WEB_CONNECTIONS) {
    web.open[web.open_count++] = fd;
    return;
  }
  shutdown(fd, SHUT_WR);
  close(fd);
}

static inline void *web_run(void *arg) {
  (void)arg;
  for (;;) {
    struct pollfd fds[3] = {
        {.fd = web.listener, .events = POLLIN}, {.fd = web.unix_listener, .events = POLLIN}, {.fd = web.stop_pipe[0], .events = POLLIN}};
    if (poll(fds, 3, -1) < 0 || fds[2].revents)
      return NULL;
    int fd = accept(fds[0].revents ? web.listener : web.unix_listener, NULL, NULL);
    if (fd >= 0)
      web_connection(fd);
  }
}

static inline void web_start(const char *folder) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  socklen_t len = sizeof(in);
  memset(&web, 0, sizeof(web));
  web.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(web.listener, (struct sockaddr *)&in, sizeof(in)), 0);
  assert_int_equal(listen(web.listener, 16), 0);
  assert_int_equal(getsockname(web.listener, (struct sockaddr *)&in, &len), 0);
  web.port = ntohs(in.sin_port);
  snprintf(web.socket_path, sizeof(web.socket_path), "%s/web.sock", folder);
  snprintf(un.sun_path, sizeof(un.sun_path), "%s", web.socket_path);
  web.unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(web.unix_listener, (struct sockaddr *)&un, sizeof(un)), 0);
  assert_int_equal(listen(web.unix_listener, 16), 0);
  assert_int_equal(pipe(web.stop_pipe), 0);
  assert_int_equal(pthread_create(&web.thread, NULL, web_run, NULL), 0);
}

static inline void web_stop(void) {
  assert_int_equal(write(web.stop_pipe[1], "x", 1), 1);
  pthread_join(web.thread, NULL);
  for (unsigned i = 0; i < web.open_count; i++)
    close(web.open[i]);
  close(web.listener);
  close(web.unix_listener);
  close(web.stop_pipe[0]);
  close(web.stop_pipe[1]);
  unlink(web.socket_path);
}

static inline const char *web_url(const char *path) {
  static char url[512];
  snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", web.port, path);
  return url;
}

#endif
