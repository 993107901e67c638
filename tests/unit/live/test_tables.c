/* bp.ws/1 and bp.live/1 as a plugin sees them: through the router, over real connections. */
#include "../router/serve.h"
#include "live_fixture.h"

#define MASK0 "\x00\x00\x00\x00"
#define SEND(client, literal) client_send((client), (literal), sizeof(literal) - 1)

static struct plugin *owner;

/* ---- The plugin's handlers ---- */

static struct {
  bp_ws ws;
  unsigned messages, drained, closed;
  uint32_t type, code;
  char text[64], reason[64];
  bp_status accepted;
} seen;

static void keep(char *to, bp_str from) {
  snprintf(to, 64, "%.*s", (int)from.len, from.ptr ? from.ptr : "");
}

static void on_message(void *ctx, bp_ws ws, uint32_t type, bp_str data) {
  assert_ptr_equal(ctx, &seen);
  assert_int_equal(ws, seen.ws);
  seen.messages++;
  seen.type = type;
  keep(seen.text, data);
}

static void on_drained(void *ctx, bp_ws ws) {
  (void)ctx;
  (void)ws;
  seen.drained++;
}

static void on_closed(void *ctx, bp_ws ws, uint32_t code, bp_str reason) {
  (void)ctx;
  assert_int_equal(ws, seen.ws);
  assert_int_equal(ws_table.send(ws, BP_WS_TEXT, BP_LIT("late")), BP_E_STALE);
  seen.closed++;
  seen.code = code;
  keep(seen.reason, reason);
}

static const bp_ws_events ws_events = {.size = sizeof(bp_ws_events), .message = on_message, .drained = on_drained, .closed = on_closed};

static void handle_accept(void *state, bp_request request) {
  (void)state;
  seen.accepted = ws_table.accept(request, (bp_str){0}, &ws_events, &seen, &seen.ws);
}

static void handle_chat(void *state, bp_request request) {
  (void)state;
  seen.accepted = ws_table.accept(request, BP_LIT("chat"), &ws_events, &seen, &seen.ws);
  if (seen.accepted != BP_OK)
    http_table.reply_empty(request, 204);
}

static void handle_view(void *state, bp_request request) {
  (void)state;
  seen.accepted = live_table.serve_ws(request, &all_view, (bp_str){0}, BP_LIVE_FROM_NOW, BP_LIT("{\"type\":\"init\"}"));
}

static void handle_stream(void *state, bp_request request) {
  (void)state;
  seen.accepted = live_table.serve_sse(request, &all_view, (bp_str){0}, 0, BP_LIT(": hello\n\n"), 2500);
}

static bp_request deferred;

static void handle_later(void *state, bp_request request) {
  (void)state;
  deferred = request;
  assert_int_equal(http_table.defer(request, NULL, NULL), BP_OK);
}

#define ROUTE(target, id, kind, handler)                                                                                                             \
  {                                                                                                                                                  \
    .size = sizeof(bp_route), .flags = (kind), .method = BP_STR("GET"), .path = BP_STR(target), .operation_id = BP_STR(id),                          \
    .summary = BP_STR("A route."), .handle = (handler)                                                                                               \
  }
static const bp_route routes[] = {
    ROUTE("/accept", "accept", BP_ROUTE_WEBSOCKET, handle_accept), ROUTE("/chat", "chat", BP_ROUTE_WEBSOCKET, handle_chat),
    ROUTE("/view", "view", BP_ROUTE_WEBSOCKET, handle_view),       ROUTE("/stream", "stream", 0, handle_stream),
    ROUTE("/later", "later", BP_ROUTE_WEBSOCKET, handle_later),
};

static int set_up(void **state) {
  (void)state;
  memset(&seen, 0, sizeof(seen));
  memset(&history, 0, sizeof(history));
  renders = 0;
  cursor_history = read_history;
  serve_start();
  if (!live_init())
    return -1;
  live_sequence_start(0);
  owner = serve_plugin("test", (bp_array)BP_ARRAY(routes), true);
  const bp_array topics = BP_ARRAY(plugin_topics);
  assert_int_equal(live_add(owner, &topics, NULL), BP_OK);
  client_port = serve_listen("detail")->port;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bool is_done = false;
  live_stop(note_done, &is_done);
  for (int i = 0; i < 4000 && !is_done; i++)
    spin(10);
  while (owner->registrations)
    owner->registrations->revoke(owner->registrations);
  spin(5);
  live_remove(owner);
  live_release();
  serve_stop();
  return is_done ? 0 : -1;
}

/* ---- bp.ws ---- */

static struct client open_ws(const char *target) {
  struct client c = client_ws(target);
  assert_true(client_wait(&c, "\r\n\r\n", 1));
  assert_int_equal(client_count(&c, "HTTP/1.1 101 "), 1);
  return c;
}

static void messages_go_both_ways(void **state) {
  (void)state;
  struct client c = open_ws("/accept");
  assert_int_equal(seen.accepted, BP_OK);
  SEND(&c, "\x82\x83" MASK0 "abc");
  spin(20);
  assert_int_equal(seen.messages, 1);
  assert_int_equal(seen.type, BP_WS_BINARY);
  assert_string_equal(seen.text, "abc");
  assert_int_equal(ws_table.send(seen.ws, BP_WS_TEXT, BP_LIT("one")), BP_OK);
  assert_int_equal(ws_table.send(seen.ws, BP_WS_TEXT, BP_LIT("two")), BP_OK);
  assert_int_equal(ws_table.buffered(seen.ws), 10);
  assert_true(client_wait(&c, "\x81\x03one\x81\x03two", 1));
  assert_int_equal(ws_table.buffered(seen.ws), 0);
  assert_int_equal(seen.drained, 1);
  assert_int_equal(ws_table.send(seen.ws, BP_WS_TEXT, BP_LIT("\xff")), BP_E_INVALID);
  assert_int_equal(ws_table.send(seen.ws, 7, BP_LIT("x")), BP_E_INVALID);
  const bp_ws both[] = {seen.ws, 12345};
  uint64_t waiting[2] = {7, 7};
  assert_int_equal(ws_table.send_many(both, 2, BP_WS_TEXT, BP_LIT("\xff"), waiting), BP_E_INVALID);
  assert_int_equal(ws_table.send_many(both, 2, BP_WS_TEXT, BP_LIT("all"), waiting), BP_OK);
  assert_true(waiting[0] == 0 && waiting[1] == UINT64_MAX);
  assert_int_equal(ws_table.send_many(both, 1, BP_WS_BINARY, BP_LIT("2"), waiting), BP_OK);
  assert_int_equal(waiting[0], 5);
  assert_true(client_wait(&c,
                          "\x81\x03"
                          "all\x82\x01"
                          "2",
                          1));
  SEND(&c, "\x88\x85" MASK0 "\x0f\xa0"
           "bye");
  assert_true(client_wait(&c, "\x88\x02\x0f\xa0", 1));
  assert_int_equal(seen.closed, 1);
  assert_int_equal(seen.code, 4000);
  assert_string_equal(seen.reason, "bye");
  client_free(&c);
}

static void a_pause_stops_reading(void **state) {
  (void)state;
  struct client c = open_ws("/accept");
  assert_int_equal(ws_table.pause(seen.ws), BP_OK);
  spin(5);
  SEND(&c, "\x81\x81" MASK0 "x");
  spin(20);
  assert_int_equal(seen.messages, 0);
  assert_int_equal(ws_table.resume(seen.ws), BP_OK);
  spin(20);
  assert_int_equal(seen.messages, 1);
  client_free(&c);
}

static void a_full_queue_is_busy(void **state) {
  (void)state;
  static char half[512 << 10];
  memset(half, 'h', sizeof(half));
  struct client c = open_ws("/accept");
  bp_status status = BP_OK;
  unsigned taken = 0;
  for (; status == BP_OK && taken < 1000; taken++)
    status = ws_table.send(seen.ws, BP_WS_BINARY, bp_str_make(half, sizeof(half)));
  assert_int_equal(status, BP_E_BUSY);
  assert_int_equal(taken, 3);
  for (int i = 0; i < 5000 && !seen.drained; i++) {
    client_read(&c);
    spin(2);
  }
  assert_int_equal(seen.drained, 1);
  assert_int_equal(ws_table.send(seen.ws, BP_WS_BINARY, BP_LIT("x")), BP_OK);
  client_free(&c);
}

static void closing_codes_are_checked(void **state) {
  (void)state;
  struct client c = open_ws("/accept");
  assert_int_equal(ws_table.close(seen.ws, 1006, (bp_str){0}), BP_E_INVALID);
  assert_int_equal(ws_table.close(seen.ws, 999, (bp_str){0}), BP_E_INVALID);
  assert_int_equal(ws_table.close(seen.ws, 3001, BP_LIT("done")), BP_OK);
  assert_int_equal(ws_table.send(seen.ws, BP_WS_TEXT, BP_LIT("late")), BP_E_STATE);
  assert_true(client_wait(&c,
                          "\x88\x06\x0b\xb9"
                          "done",
                          1));
  client_free(&c);
  assert_int_equal(seen.closed, 1);
}

static void bad_handshakes_are_answered_in_the_familys_shape(void **state) {
  (void)state;
  struct client c = client_stream("/accept");
  assert_true(client_wait(&c, "{\"detail\":\"", 1));
  assert_int_equal(client_count(&c, "HTTP/1.1 400 "), 1);
  assert_int_equal(seen.accepted, BP_E_INVALID);
  client_free(&c);
  c = client_new();
  char text[400];
  snprintf(text, sizeof(text),
           "GET /view HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
           client_port);
  client_text(&c, text);
  assert_true(client_wait(&c, "{\"detail\":\"", 1));
  assert_int_equal(client_count(&c, "HTTP/1.1 426 "), 1);
  assert_int_equal(client_count(&c, "Sec-WebSocket-Version: 13\r\n"), 1);
  client_free(&c);
}

static void a_protocol_that_was_not_offered_leaves_the_request_open(void **state) {
  (void)state;
  struct client c = client_ws("/chat");
  assert_true(client_wait(&c, "HTTP/1.1 204 ", 1));
  assert_int_equal(seen.accepted, BP_E_INVALID);
  client_free(&c);
}

static void a_draining_plugin_hears_of_the_end(void **state) {
  (void)state;
  struct client c = open_ws("/accept");
  while (owner->registrations)
    owner->registrations->revoke(owner->registrations);
  assert_int_equal(seen.closed, 1);
  assert_int_equal(seen.code, 1001);
  assert_true(client_wait(&c, "\x88\x02\x03\xe9", 1));
  client_free(&c);
}

/* ---- bp.live ---- */

static void publish_note(bp_str payload) {
  assert_int_equal(live_table.publish(owner->handle, BP_LIT("test.note"), BP_LIT("k"), payload), BP_OK);
}

static void a_view_begins_with_its_first_message(void **state) {
  (void)state;
  struct client c = open_ws("/view");
  publish_note(BP_LIT("7"));
  assert_true(client_wait(&c, "\r\n\r\n\x81\x0f{\"type\":\"init\"}\x81", 1));
  assert_true(client_wait(&c, "\"data\":7}", 1));
  SEND(&c, "\x81\x82" MASK0 "hi"); /* read and dropped */
  publish_note(BP_LIT("8"));
  assert_true(client_wait(&c, "\"data\":8}", 1));
  client_free(&c);
}

static void a_stream_tells_when_to_retry(void **state) {
  (void)state;
  publish_note(BP_LIT("1"));
  spin(5);
  struct client c = client_stream("/stream");
  assert_true(client_wait(&c, "\r\n\r\nretry: 2500\n\n: hello\n\nid: 1\n", 1));
  client_free(&c);
}

static void a_deferred_request_can_become_a_view(void **state) {
  (void)state;
  struct client c = client_ws("/later");
  for (int i = 0; i < 2000 && !deferred; i++)
    spin(5);
  assert_int_equal(live_table.serve_ws(deferred, &all_view, (bp_str){0}, 0, (bp_str){0}), BP_OK);
  assert_int_equal(live_table.serve_ws(deferred, &all_view, (bp_str){0}, 0, (bp_str){0}), BP_E_STALE);
  publish_note(BP_LIT("1"));
  assert_true(client_wait(&c, "\"seq\":1", 1));
  client_free(&c);
}

static void publishing_is_checked(void **state) {
  (void)state;
  static char big[(1 << 20) + 1];
  assert_int_equal(live_table.publish(owner->handle, BP_LIT("other.note"), (bp_str){0}, BP_LIT("1")), BP_E_DENIED);
  assert_int_equal(live_table.publish(owner->handle, BP_LIT("test.row"), (bp_str){0}, BP_LIT("1")), BP_E_INVALID);
  assert_int_equal(live_table.publish(owner->handle, BP_LIT("test.note"), (bp_str){0}, bp_str_make(big, sizeof(big))), BP_E_LIMIT);
  assert_int_equal(live_topic_check(owner, BP_LIT("test.row"), BP_TOPIC_DURABLE), BP_OK);
}

static void wrong_topics_are_refused(void **state) {
  (void)state;
  bp_error err = BP_ERROR_INIT;
  const bp_topic foreign[] = {{.size = sizeof(bp_topic), .kind = BP_TOPIC_DURABLE, .name = BP_STR("tester.x")}};
  const bp_topic odd[] = {{.size = sizeof(bp_topic), .kind = 9, .name = BP_STR("test.x")}};
  const bp_topic twice[] = {plugin_topics[0], plugin_topics[0]};
  assert_int_equal(live_add(owner, &(bp_array)BP_ARRAY(foreign), &err), BP_E_INVALID);
  assert_string_equal(err.message, "topic \"tester.x\" must be named \"test.<word>\"");
  assert_int_equal(live_add(owner, &(bp_array)BP_ARRAY(odd), &err), BP_E_INVALID);
  assert_int_equal(live_add(owner, &(bp_array)BP_ARRAY(twice), &err), BP_E_EXISTS);
}

/* ---- Subscriptions ---- */

static struct {
  uint64_t numbers[20000];
  unsigned count, resyncs;
  bp_subscription to_cancel;
} heard;

static void on_event(void *ctx, const bp_live_event *event) {
  (void)ctx;
  if (event->flags & BP_LIVE_RESYNC)
    heard.resyncs++;
  else
    heard.numbers[heard.count++] = event->sequence;
  if (heard.to_cancel)
    assert_int_equal(live_table.unsubscribe(heard.to_cancel), BP_OK);
  heard.to_cancel = 0;
}

static bp_subscription subscribe(uint64_t from) {
  bp_subscription handle = 0;
  memset(&heard, 0, sizeof(heard));
  assert_int_equal(live_table.subscribe(owner->handle, (bp_array)BP_ARRAY(view_topics), (bp_str){0}, from, on_event, NULL, &handle), BP_OK);
  assert_int_equal(heard.count, 0);
  return handle;
}

static void a_subscription_misses_and_doubles_nothing(void **state) {
  (void)state;
  live_remove(owner);
  const bp_array rows_only = {plugin_topics, 1, sizeof(bp_topic)};
  assert_int_equal(live_add(owner, &rows_only, NULL), BP_OK);
  for (int i = 0; i < 60; i++)
    commit(200); /* more than the ring holds */
  spin(5);
  bp_subscription handle = subscribe(0);
  for (int i = 0; i < 50; i++) {
    commit(20);
    spin(1);
  }
  for (int i = 0; i < 5000 && heard.count < 13000; i++)
    spin(2);
  assert_int_equal(heard.count, 13000);
  for (unsigned i = 0; i < heard.count; i++)
    assert_int_equal(heard.numbers[i], i + 1);
  assert_int_equal(heard.resyncs, 0);
  assert_true(history.pages > 0);
  assert_int_equal(live_table.unsubscribe(handle), BP_OK);
  assert_int_equal(live_table.unsubscribe(handle), BP_E_STALE);
  commit(1);
  spin(5);
  assert_int_equal(heard.count, 13000);
}

static void a_subscription_can_end_in_its_callback(void **state) {
  (void)state;
  commit(100);
  spin(5);
  bp_subscription handle = subscribe(0);
  heard.to_cancel = handle;
  spin(20);
  assert_int_equal(heard.count, 1);
  handle = subscribe(BP_LIVE_FROM_NOW);
  assert_int_equal(live_table.listeners(BP_LIT("test.note")), 1);
  heard.to_cancel = handle;
  commit(5);
  spin(20);
  assert_int_equal(heard.count, 1);
  assert_int_equal(live_table.listeners(BP_LIT("test.note")), 0);
}

static void a_subscription_can_end_in_its_callback_with_old_events(void **state) {
  (void)state;
  for (int i = 0; i < 60; i++)
    commit(200); /* more than the ring holds: the first events come from the store */
  spin(5);
  heard.to_cancel = subscribe(0);
  spin(20);
  assert_true(history.pages > 0);
  assert_int_equal(heard.count, 1);
  assert_int_equal(live_table.listeners(BP_LIT("test.row")), 0);
}

static void a_subscription_ends_with_its_plugin(void **state) {
  (void)state;
  subscribe(0);
  commit(10);
  while (owner->registrations)
    owner->registrations->revoke(owner->registrations);
  spin(20);
  assert_int_equal(heard.count, 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      CASE(messages_go_both_ways),
      CASE(a_pause_stops_reading),
      CASE(a_full_queue_is_busy),
      CASE(closing_codes_are_checked),
      CASE(bad_handshakes_are_answered_in_the_familys_shape),
      CASE(a_protocol_that_was_not_offered_leaves_the_request_open),
      CASE(a_draining_plugin_hears_of_the_end),
      CASE(a_view_begins_with_its_first_message),
      CASE(a_stream_tells_when_to_retry),
      CASE(a_deferred_request_can_become_a_view),
      CASE(publishing_is_checked),
      CASE(wrong_topics_are_refused),
      CASE(a_subscription_misses_and_doubles_nothing),
      CASE(a_subscription_can_end_in_its_callback),
      CASE(a_subscription_can_end_in_its_callback_with_old_events),
      CASE(a_subscription_ends_with_its_plugin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
