/* A router behind a real listener on a free loopback port, asked by a client on another thread. */
#ifndef TESTS_UNIT_ROUTER_SERVE_H
#define TESTS_UNIT_ROUTER_SERVE_H

#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/listener.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "loop/workers.h"
#include "router/router.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAMILY(word, shape, flag_bits, invalid)                                                                                                      \
  {                                                                                                                                                  \
    .size = sizeof(bp_family), .error_shape = (shape), .flags = (flag_bits), .validation_status = (invalid), .name = BP_STR(word),                   \
    .title = BP_STR("Family " word), .not_found_text = BP_STR("Not Found"), .not_allowed_text = BP_STR("Method Not Allowed")                         \
  }
static const bp_family serve_families[] = {
    FAMILY("detail", BP_ERRORS_DETAIL, BP_FAMILY_HEAD_405 | BP_FAMILY_DOCS | BP_FAMILY_CORS_CREDENTIALS, 422),
    FAMILY("error", BP_ERRORS_ERROR, 0, 400),
    FAMILY("success", BP_ERRORS_SUCCESS, BP_FAMILY_NO_405 | BP_FAMILY_NOT_BARE, 400),
    FAMILY("problem", BP_ERRORS_PROBLEM, 0, 422),
};
#define SERVE_FAMILIES (sizeof(serve_families) / sizeof(serve_families[0]))

static inline void serve_start(void) {
  assert_true(loop_init());
  router_init();
}

static inline void serve_stopped(void *arg) {
  (void)arg;
  loop_stop();
}

static inline void serve_stop(void) {
  http_stop(1000, serve_stopped, NULL);
  loop_run();
  workers_stop();
  router_release();
  loop_release();
  plugin_registry_release();
}

/* A started plugin that declares all the families and has these routes in "detail" where they name none. */
static inline struct plugin *serve_plugin(const char *id, bp_array routes, bool declares) {
  bp_error err = BP_ERROR_INIT;
  struct plugin *plugin = plugin_add(str_from(id), "/none.so");
  plugin->phase = PLUGIN_STARTED;
  plugin->descriptor.family = BP_LIT("detail");
  for (size_t i = 0; declares && i < SERVE_FAMILIES; i++)
    assert_int_equal(family_declare(plugin, &serve_families[i], &err), BP_OK);
  if (router_add(plugin, &routes, plugin, &err) != BP_OK)
    fail_msg("%s", err.message);
  return plugin;
}

/* A listener for one family, or the main one for NULL. */
static inline struct http_listener *serve_listen(const char *family) {
  bp_error err = BP_ERROR_INIT;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, 16), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  struct http_listener *listener = mem_alloc(sizeof(*listener));
  *listener = (struct http_listener){.address = str_dupz(BP_LIT("127.0.0.1")), .port = ntohs(address.sin_port), .is_main = !family, .fd = -1};
  listener->family = family ? str_dupz(str_from(family)) : NULL;
  if (http_listen_fd(listener, fd, &err) != BP_OK)
    fail_msg("%s", err.message);
  return listener;
}

/* One request in flight, and then its answer. */
struct ask {
  uint16_t port;
  char *request;
  size_t request_len;
  bool leaves_early; /* closes without reading an answer */
  pthread_t thread;
  unsigned status;
  char *head; /* of the answer, NUL-terminated */
  char *body;
  size_t len, cap;
};

static inline void *ask_run(void *arg) {
  struct ask *ask = arg;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(ask->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = 20};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
    abort();
  for (size_t sent = 0; sent < ask->request_len;) {
    ssize_t n = send(fd, ask->request + sent, ask->request_len - sent, MSG_NOSIGNAL);
    if (n <= 0)
      break;
    sent += (size_t)n;
  }
  for (ssize_t n = 1; n > 0 && !ask->leaves_early; ask->len += (size_t)n) {
    if (ask->len + 4096 > ask->cap)
      ask->head = mem_resize(ask->head, ask->cap = ask->cap * 2 + 8192);
    n = recv(fd, ask->head + ask->len, ask->cap - ask->len - 1, 0);
    n = n < 0 ? 0 : n;
  }
  if (ask->leaves_early)
    usleep(50000); /* long enough for the handler to have deferred */
  close(fd);
  if (!ask->leaves_early)
    loop_stop();
  return NULL;
}

static inline void ask_start(struct ask *ask, const struct http_listener *listener, const char *method, const char *target, const char *headers,
                             bp_str body) {
  struct buf text = {0};
  *ask = (struct ask){.port = listener->port, .leaves_early = ask->leaves_early};
  buf_printf(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s", method, target, listener->port, headers);
  if (body.len > 0)
    buf_printf(&text, "Content-Length: %zu\r\n", body.len);
  buf_append_z(&text, "\r\n");
  buf_append_str(&text, body);
  ask->request_len = text.len;
  buf_append_char(&text, '\0');
  ask->request = text.data;
  assert_int_equal(pthread_create(&ask->thread, NULL, ask_run, ask), 0);
}

/* Runs the loop until the answer is there. */
static inline void ask_wait(struct ask *ask) {
  loop_run();
  pthread_join(ask->thread, NULL);
  assert_non_null(ask->head);
  ask->head[ask->len] = '\0';
  char *end = strstr(ask->head, "\r\n\r\n");
  if (!end)
    fail_msg("no answer to: %s", ask->request);
  *end = '\0';
  ask->body = end + 4;
  ask->status = (unsigned)strtoul(ask->head + 9, NULL, 10);
}

static inline void ask_end(struct ask *ask) {
  free(ask->request);
  free(ask->head);
  memset(ask, 0, sizeof(*ask));
}

static inline bool ask_has_header(const struct ask *ask, const char *line) {
  return strstr(ask->head, line) != NULL;
}

/* Asks, and checks status and (unless NULL) the exact body. */
#define JSON_TYPE "Content-Type: application/json\r\n"
static inline void expect_with(const struct http_listener *listener, const char *method, const char *target, const char *headers, const char *body,
                               unsigned status, const char *answer) {
  struct ask ask = {0};
  ask_start(&ask, listener, method, target, headers, str_from(body));
  ask_wait(&ask);
  if (ask.status != status || (answer && strcmp(ask.body, answer) != 0))
    fail_msg("%s %s: %u %s", method, target, ask.status, ask.body);
  ask_end(&ask);
}

static inline void expect(const struct http_listener *listener, const char *method, const char *target, unsigned status, const char *answer) {
  expect_with(listener, method, target, "", "", status, answer);
}

#endif
