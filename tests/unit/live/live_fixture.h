/* A live log with real connections: the wire listens on a Unix socket in a temporary folder, and its handler opens the view
 * as a WebSocket (/ws) or an event stream (anything else), from ?N on. Clients are sockets in the same thread. History is
 * an array. */
#ifndef TESTS_UNIT_LIVE_FIXTURE_H
#define TESTS_UNIT_LIVE_FIXTURE_H

#include "base/buf.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "live/clients.h"
#include "live/cursor.h"
#include "live/host_view.h"
#include "live/live.h"
#include "live/ws.h"
#include "live/ws_handshake.h"
#include "loader/plugin.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "store/store.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* ---- The plugin and its view ---- */

static UNUSED struct plugin plugin = {.handle = 77, .id = (char *)(uintptr_t) "test", .phase = PLUGIN_STARTED};
static const bp_topic plugin_topics[] = {
    {.size = sizeof(bp_topic), .kind = BP_TOPIC_DURABLE, .name = BP_STR("test.row")},
    {.size = sizeof(bp_topic), .kind = BP_TOPIC_EPHEMERAL, .name = BP_STR("test.note")},
};
static unsigned renders;

static uint32_t counting_render(void *ctx, const bp_live_event *event, bp_json_writer frame, bp_str *ret_name) {
  renders++;
  return host_view_render(ctx, event, frame, ret_name);
}

static const bp_str view_topics[] = {BP_STR("test.*")}, row_topics[] = {BP_STR("test.row")};
static const bp_live_view all_view = {.size = sizeof(all_view), .topics = BP_ARRAY(view_topics), .render = counting_render};
static const bp_live_view row_view = {.size = sizeof(row_view), .topics = BP_ARRAY(row_topics), .render = counting_render};
static const bp_live_view *served_view;
static bp_str served_key, served_first;

/* ---- What lies on disk ---- */

static struct {
  uint64_t numbers[65536];
  uint32_t count;
  uint64_t oldest;
  unsigned pages, running, most_running;
  uint32_t payload_len;
} history;

struct page {
  uint64_t from;
  uint32_t limit;
  store_live_fn done;
  void *ctx;
};

static char history_payload[70000];

static void answer_page(void *arg) {
  struct page *page = arg;
  struct live_row *rows = calloc(page->limit + 1, sizeof(*rows));
  uint32_t count = 0, i = 0;
  while (i < history.count && history.numbers[i] <= page->from)
    i++;
  for (; i < history.count && count < page->limit; i++, count++)
    rows[count] = (struct live_row){.sequence = history.numbers[i],
                                    .topic = BP_LIT("test.row"),
                                    .payload = history.payload_len ? bp_str_make(history_payload, history.payload_len) : BP_LIT("null")};
  history.pages++;
  history.running--;
  page->done(page->ctx, BP_OK, rows, count, i < history.count, history.oldest);
  free(rows);
  free(page);
}

static void read_history(const bp_str *topics, uint32_t topic_count, bp_str key, uint64_t from, uint32_t limit, store_live_fn done, void *ctx) {
  (void)topics;
  (void)topic_count;
  (void)key;
  struct page *page = malloc(sizeof(*page));
  *page = (struct page){.from = from, .limit = limit, .done = done, .ctx = ctx};
  if (++history.running > history.most_running)
    history.most_running = history.running;
  loop_post(answer_page, page);
}

/* ---- Events ---- */

static UNUSED void commit_with(uint32_t count, bp_str key, bp_str payload) {
  uint64_t first = live_sequence_take(count);
  struct live_row *rows = calloc(count, sizeof(*rows));
  for (uint32_t i = 0; i < count; i++) {
    rows[i] = (struct live_row){.sequence = first + i, .topic = BP_LIT("test.row"), .key = key, .payload = payload};
    history.numbers[history.count++] = first + i;
    if (!history.oldest)
      history.oldest = first;
  }
  live_deliver(first, count, rows, count);
  free(rows);
}

static UNUSED void commit(uint32_t count) {
  commit_with(count, (bp_str){0}, BP_LIT("null"));
}

static UNUSED void publish(bp_str payload) {
  assert_int_equal(live_table.publish(plugin.handle, BP_LIT("test.note"), (bp_str){0}, payload), BP_OK);
}

/* ---- The server ---- */

static void serve_view(struct http_exchange *x) {
  int64_t from;
  bp_str text, protocol;
  bp_status status;
  uint64_t start = str_to_i64(x->query, &from) ? (uint64_t)from : BP_LIVE_FROM_NOW;
  if (!str_starts(x->path, BP_LIT("/ws"))) {
    client_open_sse(x, audience_of(&plugin, served_view, WIRE_SSE, served_key, &status), client_sse_from(x, start), served_first, 0);
    return;
  }
  unsigned refusal = ws_handshake_check(x, &text);
  if (refusal == 426)
    ws_handshake_refusal_headers(x);
  if (refusal)
    exchange_reply(x, refusal, BP_LIT("text/plain"), text);
  else if (ws_handshake_protocol(x, (bp_str){0}, &protocol))
    client_open_ws(x, audience_of(&plugin, served_view, WIRE_WS, served_key, &status), protocol, start, served_first);
}

static void (*serve)(struct http_exchange *x) = serve_view;

static void on_request(struct http_exchange *x) {
  serve(x);
}

static void ignore_body(struct http_exchange *x, bp_str body) {
  (void)x;
  (void)body;
}

static void ignore_gone(struct http_exchange *x, enum http_gone why) {
  (void)x;
  (void)why;
}

static void ignore_finished(struct http_exchange *x) {
  (void)x;
}

static void on_wire_error(struct http_exchange *x, unsigned status, bp_str text) {
  exchange_reply(x, status, BP_LIT("text/plain"), text);
}

static const struct http_handler test_handler = {
    .request = on_request, .body = ignore_body, .gone = ignore_gone, .finished = ignore_finished, .wire_error = on_wire_error};

static char socket_path[108];
static struct http_listener *listener;

static void stop_loop(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  (void)arg;
  loop_stop();
}

/* Runs the loop for so long. */
static void spin(int ms) {
  const struct timeval time = {.tv_usec = ms * 1000};
  struct event *timer = event_new(loop_base(), -1, 0, stop_loop, NULL);
  event_add(timer, &time);
  loop_run();
  event_free(timer);
}

static UNUSED int start_log(uint64_t last) {
  memset(&history, 0, sizeof(history));
  memset(history_payload, '1', sizeof(history_payload));
  renders = 0;
  serve = serve_view;
  served_view = &all_view;
  served_key = served_first = (bp_str){0};
  cursor_history = read_history;
  if (!loop_init() || !live_init())
    return -1;
  live_sequence_start(last);
  const bp_array topics = BP_ARRAY(plugin_topics);
  if (live_add(&plugin, &topics, NULL) != BP_OK)
    return -1;
  http_set_handler(&test_handler);
  snprintf(socket_path, sizeof(socket_path), "/tmp/backplane-live-%d.sock", (int)getpid());
  unlink(socket_path);
  listener = calloc(1, sizeof(*listener));
  *listener = (struct http_listener){.address = strdup(socket_path), .is_unix = true, .is_main = true, .fd = -1};
  return http_listen(listener, NULL) == BP_OK ? 0 : -1;
}

static UNUSED int start(void **state) {
  (void)state;
  return start_log(0);
}

static void note_done(void *arg) {
  *(bool *)arg = true;
}

static UNUSED int stop(void **state) {
  (void)state;
  bool is_done = false;
  while (plugin.registrations)
    plugin.registrations->revoke(plugin.registrations);
  live_stop(note_done, &is_done);
  for (int i = 0; i < 4000 && !is_done; i++)
    spin(10);
  bool is_stopped = false;
  http_stop(0, note_done, &is_stopped);
  for (int i = 0; i < 4000 && !is_stopped; i++)
    spin(10);
  live_remove(&plugin);
  live_release();
  loop_release();
  unlink(socket_path);
  return is_done && is_stopped ? 0 : -1;
}

/* ---- Clients ---- */

struct client {
  int fd;
  struct buf in;
  bool is_closed;
};

static uint16_t client_port; /* on loopback, instead of the Unix socket */

static void client_connect(struct client *c) {
  struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_port = htons(client_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, socket_path, sizeof(socket_path));
  c->fd = socket(client_port ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client_port)
    assert_int_equal(connect(c->fd, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
  else
    assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static UNUSED struct client client_new(void) {
  struct client c = {.fd = -1};
  client_connect(&c);
  return c;
}

static UNUSED void client_send(struct client *c, const void *bytes, size_t len) {
  size_t at = 0;
  for (int i = 0; at < len && i < 1000; i++) {
    ssize_t sent = send(c->fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
      return;
    at += sent > 0 ? (size_t)sent : 0;
    if (at < len)
      spin(2);
  }
}

static UNUSED void client_text(struct client *c, const char *text) {
  client_send(c, text, strlen(text));
}

static UNUSED struct client client_stream(const char *target) {
  struct client c = client_new();
  char text[256];
  snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", target, client_port);
  client_text(&c, text);
  return c;
}

static UNUSED struct client client_ws(const char *target) {
  struct client c = client_new();
  char text[400];
  snprintf(text, sizeof(text),
           "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
           target, client_port);
  client_text(&c, text);
  return c;
}

static UNUSED void client_read(struct client *c) {
  for (;;) {
    char *at = buf_reserve(&c->in, 65536);
    assert_non_null(at);
    ssize_t got = recv(c->fd, at, 65535, 0);
    if (got > 0)
      c->in.len += (size_t)got;
    else if (got == 0 || errno != EAGAIN)
      c->is_closed = true;
    if (got <= 0)
      break;
  }
  c->in.data[c->in.len] = '\0';
}

/* Counts from `*from` on, and leaves there where more could begin when more has come. */
static UNUSED unsigned client_count_from(const struct client *c, const char *needle, size_t *from) {
  unsigned count = 0;
  size_t len = strlen(needle);
  for (const char *at; c->in.len >= *from + len && (at = memmem(c->in.data + *from, c->in.len - *from, needle, len)); count++)
    *from = (size_t)(at - c->in.data) + len;
  if (c->in.len >= *from + len)
    *from = c->in.len - len + 1;
  return count;
}

static UNUSED unsigned client_count(const struct client *c, const char *needle) {
  size_t from = 0;
  return client_count_from(c, needle, &from);
}

/* Waits (some seconds at most) until `needle` has come `count` times. */
static UNUSED bool client_wait(struct client *c, const char *needle, unsigned count) {
  size_t from = 0;
  unsigned seen = 0;
  for (int i = 0; i < 15000; i++) {
    client_read(c);
    seen += client_count_from(c, needle, &from);
    if (seen >= count)
      return true;
    if (c->is_closed)
      return false;
    spin(2);
  }
  return false;
}

static UNUSED bool client_wait_closed(struct client *c, int rounds) {
  for (int i = 0; i < rounds && !c->is_closed; i++) {
    spin(10);
    client_read(c);
  }
  return c->is_closed;
}

static UNUSED void client_free(struct client *c) {
  close(c->fd);
  buf_release(&c->in);
  spin(5);
}

/* The numbers of all events seen, in order: after `prefix`, e.g. "\"seq\":". */
static UNUSED uint32_t client_sequences(const struct client *c, uint64_t *numbers, uint32_t room) {
  uint32_t count = 0;
  const char *at = c->in.data, *end = c->in.data + c->in.len;
  while (at < end && (at = memmem(at, (size_t)(end - at), "\"seq\":", 6)) && count < room) {
    at += 6;
    numbers[count++] = strtoull(at, NULL, 10);
  }
  return count;
}

#endif
