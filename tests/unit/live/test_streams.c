/* Event streams and what all views share: rendering once, joining history and ring, keys, laggards, plugins that go. */
#include "live_fixture.h"

static void assert_numbers(const struct client *c, uint64_t first, uint32_t count) {
  static uint64_t numbers[65536];
  uint32_t seen = client_sequences(c, numbers, 65536);
  for (uint32_t i = 0; i < seen && i < count; i++)
    assert_int_equal(numbers[i], first + i);
  assert_int_equal(seen, count);
}

static void answers_an_event_stream(void **state) {
  (void)state;
  struct client c = client_stream("/");
  assert_true(client_wait(&c, "\r\n\r\n", 1));
  assert_int_equal(client_count(&c, "HTTP/1.1 200"), 1);
  assert_int_equal(client_count(&c, "Content-Type: text/event-stream; charset=utf-8\r\n"), 1);
  assert_int_equal(client_count(&c, "Cache-Control: no-cache\r\n"), 1);
  assert_int_equal(client_count(&c, "X-Accel-Buffering: no\r\n"), 1);
  publish(BP_LIT("{\"a\":1}"));
  assert_true(client_wait(&c, "id: 1\ndata: {\"seq\":1,\"topic\":\"test.note\",\"key\":\"\",\"time\":\"", 1));
  assert_true(client_wait(&c, "\"data\":{\"a\":1}}\n\n", 1));
  client_free(&c);
}

static void renders_once_for_all(void **state) {
  (void)state;
  struct client streams[20], sockets[20];
  for (int i = 0; i < 20; i++) {
    streams[i] = client_stream("/");
    sockets[i] = client_ws("/ws");
  }
  for (int i = 0; i < 20; i++) {
    assert_true(client_wait(&streams[i], "\r\n\r\n", 1));
    assert_true(client_wait(&sockets[i], "\r\n\r\n", 1));
  }
  publish(BP_LIT("1"));
  commit(3);
  publish(BP_LIT("2"));
  for (int i = 0; i < 20; i++) {
    assert_true(client_wait(&streams[i], "\"seq\":5", 1));
    assert_true(client_wait(&sockets[i], "\"seq\":5", 1));
    assert_numbers(&streams[i], 1, 5);
    assert_numbers(&sockets[i], 1, 5);
  }
  assert_int_equal(renders, 5);
  for (int i = 0; i < 20; i++) {
    client_free(&streams[i]);
    client_free(&sockets[i]);
  }
}

static void joins_history_ring_and_live(void **state) {
  (void)state;
  served_view = &row_view;
  for (int i = 0; i < 100; i++)
    commit(200); /* 20,000 events: the ring holds the last 8,192 at most */
  spin(5);
  struct client c = client_stream("/?0");
  struct client late = client_ws("/ws?12345");
  for (int i = 0; i < 100; i++) {
    commit(50); /* while they catch up */
    spin(1);
    client_read(&c);
    client_read(&late);
  }
  assert_true(client_wait(&c, "\"seq\":25000,", 1));
  assert_true(client_wait(&late, "\"seq\":25000,", 1));
  assert_true(history.pages > 0);
  assert_numbers(&c, 1, 25000);
  assert_numbers(&late, 12346, 25000 - 12345);
  client_free(&c);
  client_free(&late);
}

static void catches_up_at_the_pace_of_the_socket(void **state) {
  (void)state;
  served_view = &row_view;
  history.payload_len = 60000;
  for (uint64_t i = 1; i <= 400; i++)
    history.numbers[i - 1] = i;
  history.count = 400;
  history.oldest = 1;
  live_sequence_start(400);
  struct client c = client_stream("/?0");
  spin(200);
  assert_in_range(history.pages, 1, 40); /* 24 MB would be hundreds of pages */
  assert_true(client_wait(&c, "\"seq\":400,", 1));
  assert_numbers(&c, 1, 400);
  client_free(&c);
}

static void a_crowd_takes_turns_at_the_store(void **state) {
  (void)state;
  served_view = &row_view;
  for (uint64_t i = 1; i <= 500; i++)
    history.numbers[i - 1] = i;
  history.count = 500;
  history.oldest = 1;
  live_sequence_start(500);
  struct client clients[60];
  for (int i = 0; i < 60; i++)
    clients[i] = client_stream("/?0");
  client_free(&clients[59]); /* one gives up while it waits */
  for (int i = 0; i < 59; i++) {
    assert_true(client_wait(&clients[i], "\"seq\":500,", 1));
    assert_numbers(&clients[i], 1, 500);
    client_free(&clients[i]);
  }
  assert_in_range(history.most_running, 1, 8);
}

static void last_event_id_overrides_from(void **state) {
  (void)state;
  commit(5);
  spin(5);
  struct client c = client_new();
  client_text(&c, "GET /?0 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 3\r\n\r\n");
  assert_true(client_wait(&c, "\"seq\":5", 1));
  assert_numbers(&c, 4, 2);
  client_free(&c);
}

static void tells_resync_where_history_is_gone(void **state) {
  (void)state;
  served_view = &row_view;
  for (uint64_t i = 0; i < 10; i++)
    history.numbers[history.count++] = 100 + i;
  history.oldest = 100;
  live_sequence_start(109);
  struct client c = client_stream("/?42");
  assert_true(client_wait(&c, "\"seq\":109", 1));
  assert_int_equal(client_count(&c, "id: 99\nevent: resync\ndata: {\"type\":\"resync\",\"from\":99}\n\n"), 1);
  assert_numbers(&c, 100, 10);
  struct client whole = client_stream("/?0");
  assert_true(client_wait(&whole, "\"seq\":109", 1));
  assert_int_equal(client_count(&whole, "resync"), 0);
  client_free(&c);
  client_free(&whole);
}

static void tells_resync_for_lost_ephemeral_events(void **state) {
  (void)state;
  live_sequence_start(109);
  live_remove(&plugin);
  const bp_array topics = BP_ARRAY(plugin_topics);
  assert_int_equal(live_add(&plugin, &topics, NULL), BP_OK);
  struct client c = client_ws("/ws?109");
  assert_true(client_wait(&c, "{\"type\":\"resync\",\"from\":109}", 1));
  publish(BP_LIT("1"));
  assert_true(client_wait(&c, "\"seq\":", 1));
  client_free(&c);
}

static void tells_nothing_of_lost_ticks(void **state) {
  static const bp_topic ticking[] = {{.size = sizeof(bp_topic), .kind = BP_TOPIC_DURABLE, .name = BP_STR("test.row")},
                                     {.size = sizeof(bp_topic), .kind = BP_TOPIC_TICK, .name = BP_STR("test.tick")}};
  const bp_array topics = BP_ARRAY(ticking), before = BP_ARRAY(plugin_topics);
  (void)state;
  live_sequence_start(109);
  live_remove(&plugin);
  assert_int_equal(live_add(&plugin, &topics, NULL), BP_OK);
  struct client c = client_ws("/ws?109");
  assert_int_equal(live_table.publish(plugin.handle, BP_LIT("test.tick"), (bp_str){0}, BP_LIT("1")), BP_OK);
  assert_true(client_wait(&c, "\"topic\":\"test.tick\"", 1));
  assert_int_equal(client_count(&c, "resync"), 0);
  client_free(&c);
  live_remove(&plugin);
  assert_int_equal(live_add(&plugin, &before, NULL), BP_OK);
}

static void tells_resync_to_a_position_that_never_was(void **state) {
  (void)state;
  commit(3);
  spin(5);
  struct client c = client_stream("/?5000");
  assert_true(client_wait(&c, "event: resync", 1));
  commit(1);
  assert_true(client_wait(&c, "\"seq\":4", 1));
  assert_numbers(&c, 4, 1);
  client_free(&c);
}

static void waits_for_what_its_snapshot_had_seen(void **state) {
  (void)state;
  uint64_t first = live_sequence_take(2);
  struct client c = client_stream("/?2");
  assert_true(client_wait(&c, "\r\n\r\n", 1));
  const struct live_row rows[] = {{.sequence = first, .topic = BP_STR("test.row"), .payload = BP_STR("1")},
                                  {.sequence = first + 1, .topic = BP_STR("test.row"), .payload = BP_STR("2")}};
  live_deliver(first, 2, rows, 2);
  spin(5);
  commit(1);
  assert_true(client_wait(&c, "\"seq\":3", 1));
  assert_numbers(&c, 3, 1);
  client_free(&c);
}

static void key_filters(void **state) {
  (void)state;
  served_key = BP_LIT("a");
  struct client c = client_stream("/?0");
  commit_with(1, BP_LIT("a"), BP_LIT("1"));
  commit_with(1, BP_LIT("b"), BP_LIT("2"));
  assert_true(client_wait(&c, "\"seq\":1", 1));
  commit_with(1, BP_LIT("a"), BP_LIT("3"));
  assert_true(client_wait(&c, "\"seq\":3", 1));
  assert_int_equal(client_count(&c, "\"seq\":2"), 0);
  client_free(&c);
}

static void first_comes_first(void **state) {
  (void)state;
  commit(2);
  spin(5);
  served_first = BP_LIT("event: init\ndata: {}\n\n");
  struct client c = client_stream("/?0");
  assert_true(client_wait(&c, "\r\n\r\nevent: init\ndata: {}\n\nid: 1\n", 1));
  client_free(&c);
}

/* Payloads of 40 KiB to a client that reads nothing: the socket fills, one frame is in flight, two more are too many. */
static void cuts_a_laggard_and_spares_others(void **state) {
  (void)state;
  static char payload[40 << 10];
  memset(payload, '7', sizeof(payload));
  struct client lazy_stream = client_stream("/"), lazy_socket = client_ws("/ws"), good = client_stream("/");
  assert_true(client_wait(&lazy_stream, "\r\n\r\n", 1));
  assert_true(client_wait(&lazy_socket, "\r\n\r\n", 1));
  struct live_counters counters;
  for (int i = 0; i < 100; i++) {
    commit_with(1, (bp_str){0}, bp_str_make(payload, sizeof(payload)));
    spin(2);
    client_read(&good);
  }
  live_counters(&counters);
  assert_int_equal(counters.cut, 2);
  assert_true(client_wait(&good, "\"seq\":100,", 1));
  assert_numbers(&good, 1, 100);
  assert_true(client_wait_closed(&lazy_stream, 3000));
  assert_true(client_wait_closed(&lazy_socket, 3000));
  assert_true(client_count(&lazy_stream, "\n\nretry: 1000\n\n") == 1);
  assert_true(client_count(&lazy_socket, "\x88\x0a\x03\xf5too slow") == 1);
  assert_true(client_count(&lazy_stream, "\"seq\":") < 90);
  client_free(&lazy_stream);
  client_free(&lazy_socket);
  client_free(&good);
}

static void a_plugin_that_goes_dismisses_its_clients(void **state) {
  (void)state;
  struct client stream = client_stream("/"), socket = client_ws("/ws");
  assert_true(client_wait(&stream, "\r\n\r\n", 1));
  assert_true(client_wait(&socket, "\r\n\r\n", 1));
  assert_int_equal(live_table.listeners(BP_LIT("test.note")), 2);
  while (plugin.registrations)
    plugin.registrations->revoke(plugin.registrations);
  assert_int_equal(live_table.listeners(BP_LIT("test.note")), 0);
  assert_true(client_wait(&stream, "retry: ", 1));
  assert_true(client_wait(&socket, "\x88\x02\x03\xe9", 1));
  assert_true(client_wait_closed(&stream, 1000));
  client_free(&stream);
  client_free(&socket);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
      CASE(answers_an_event_stream),
      CASE(renders_once_for_all),
      CASE(joins_history_ring_and_live),
      CASE(catches_up_at_the_pace_of_the_socket),
      CASE(a_crowd_takes_turns_at_the_store),
      CASE(last_event_id_overrides_from),
      CASE(tells_resync_where_history_is_gone),
      CASE(tells_resync_for_lost_ephemeral_events),
      CASE(tells_nothing_of_lost_ticks),
      CASE(tells_resync_to_a_position_that_never_was),
      CASE(waits_for_what_its_snapshot_had_seen),
      CASE(key_filters),
      CASE(first_comes_first),
      CASE(cuts_a_laggard_and_spares_others),
      CASE(a_plugin_that_goes_dismisses_its_clients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
