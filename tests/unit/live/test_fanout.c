/* One event to a crowd, once with sends one by one and once through io_uring (each case runs in both ways): everybody gets the same,
 * laggards are cut, those who leave do no harm. */
#include "live_fixture.h"

#include "http/bulk.h"
#include "live/wake.h"

#define CROWD 60u

static struct client crowd[CROWD];

static int start_each(void **state) {
  bulk_allow(false);
  return start(state);
}

static int start_ring(void **state) {
  bulk_allow(true);
  return start(state);
}

static void open_crowd(const char *target) {
  for (unsigned i = 0; i < CROWD; i++)
    crowd[i] = target ? client_ws(target) : i % 2 ? client_ws("/ws") : client_stream("/");
  for (unsigned i = 0; i < CROWD; i++)
    assert_true(client_wait(&crowd[i], "\r\n\r\n", 1));
}

static void free_crowd(void) {
  for (unsigned i = 0; i < CROWD; i++) {
    close(crowd[i].fd);
    buf_release(&crowd[i].in);
  }
  spin(5);
}

static bool is_numbered(const struct client *c, uint64_t first, uint32_t count) {
  static uint64_t numbers[65536];
  uint32_t seen = client_sequences(c, numbers, 65536);
  for (uint32_t i = 0; i < seen && i < count; i++)
    if (numbers[i] != first + i)
      return false;
  return seen == count;
}

/* Single events, and several of one tick, which leave in one write. */
static void everybody_gets_everything(void **state) {
  (void)state;
  char last[32];
  uint32_t total = 0;
  open_crowd(NULL);
  for (uint32_t burst = 1; burst <= 64; burst *= 4) {
    commit(burst);
    publish(BP_LIT("\"note\""));
    total += burst + 1;
    spin(1);
  }
  snprintf(last, sizeof(last), "\"seq\":%u,", total);
  for (unsigned i = 0; i < CROWD; i++) {
    assert_true(client_wait(&crowd[i], last, 1));
    assert_true(is_numbered(&crowd[i], 1, total));
    assert_int_equal(client_count(&crowd[i], "\"note\""), 4);
  }
  assert_string_equal(crowd[0].in.data + crowd[0].in.len - 2, "\n\n");
  if (strcmp(bulk_state(), "idle") != 0) /* "off", or what came of trying */
    print_message("sends: %s\n", bulk_state());
  else
    fail_msg("no bulk send was tried");
  free_crowd();
}

/* More than sockets hold, in steps of 40 KiB and of many frames at once: every third client reads nothing. */
static void laggards_are_cut_and_others_not(void **state) {
  (void)state;
  static char payload[40 << 10];
  struct live_counters before, after;
  memset(payload, '7', sizeof(payload));
  live_counters(&before);
  open_crowd(NULL);
  for (uint32_t n = 0; n < 40; n++) {
    commit_with(n % 4 == 3 ? 3 : 1, (bp_str){0}, bp_str_make(payload, sizeof(payload)));
    spin(1);
    for (unsigned i = 0; i < CROWD; i++)
      if (i % 3)
        client_read(&crowd[i]);
  }
  for (unsigned i = 0; i < CROWD; i++) {
    if (i % 3 == 0)
      continue;
    assert_true(client_wait(&crowd[i], "\"seq\":60,", 1));
    assert_true(is_numbered(&crowd[i], 1, 60));
  }
  live_counters(&after);
  assert_int_equal(after.cut - before.cut, CROWD / 3);
  for (unsigned i = 0; i < CROWD; i += 3) {
    assert_true(client_wait_closed(&crowd[i], 3000));
    assert_true(client_count(&crowd[i], i % 2 ? "\x88\x0a\x03\xf5too slow" : "\n\nretry: 1000\n\n") == 1);
    uint32_t seen = client_count(&crowd[i], "\"seq\":");
    assert_true(seen < 60 && is_numbered(&crowd[i], 1, seen));
  }
  free_crowd();
}

/* A socket that takes a part of a write, and the rest when its client reads. */
static void what_does_not_fit_waits_for_its_socket(void **state) {
  (void)state;
  static char payload[600 << 10];
  struct live_counters before, after;
  memset(payload, '7', sizeof(payload));
  live_counters(&before);
  open_crowd("/ws");
  commit_with(1, (bp_str){0}, bp_str_make(payload, sizeof(payload)));
  spin(1);
  commit(3); /* behind the frame in flight */
  spin(1);
  for (unsigned i = 0; i < CROWD; i++) {
    assert_true(client_wait(&crowd[i], "\"seq\":4,", 1));
    assert_true(is_numbered(&crowd[i], 1, 4));
    assert_true(crowd[i].in.len > sizeof(payload));
  }
  live_counters(&after);
  assert_int_equal(after.cut, before.cut);
  free_crowd();
}

static void those_who_left_do_no_harm(void **state) {
  (void)state;
  const struct linger reset = {.l_onoff = 1};
  open_crowd(NULL);
  for (unsigned i = 0; i < CROWD; i += 4) {
    setsockopt(crowd[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    shutdown(crowd[i].fd, SHUT_RDWR);
  }
  commit(1); /* before the loop has seen them leave */
  live_wake();
  spin(20);
  commit(2);
  for (unsigned i = 0; i < CROWD; i++) {
    if (i % 4 == 0)
      continue;
    assert_true(client_wait(&crowd[i], "\"seq\":3,", 1));
    assert_true(is_numbered(&crowd[i], 1, 3));
  }
  for (int i = 0; i < 1000 && live_table.listeners(BP_LIT("test.row")) > CROWD - CROWD / 4; i++)
    spin(5);
  assert_int_equal(live_table.listeners(BP_LIT("test.row")), CROWD - CROWD / 4);
  free_crowd();
}

static void newcomers_join_the_crowd(void **state) {
  (void)state;
  open_crowd("/ws");
  commit(5);
  spin(5);
  struct client late = client_stream("/?2"), gone = client_ws("/ws?900");
  commit(1);
  assert_true(client_wait(&late, "\"seq\":6,", 1));
  assert_true(is_numbered(&late, 3, 4));
  assert_true(client_wait(&gone, "resync", 1));
  commit(1);
  assert_true(client_wait(&late, "\"seq\":7,", 1));
  assert_true(client_wait(&gone, "\"seq\":7,", 1));
  for (unsigned i = 0; i < CROWD; i++) {
    assert_true(client_wait(&crowd[i], "\"seq\":7,", 1));
    assert_true(is_numbered(&crowd[i], 1, 7));
  }
  client_free(&late);
  client_free(&gone);
  free_crowd();
}

/* ---- WebSockets that a plugin writes to ---- */

static struct ws *sockets[CROWD];
static unsigned socket_count, drained_count, closed_count;

static void on_drained(struct ws *ws) {
  (void)ws;
  if (drained_count++ == 0) /* a callback may end others whose frame has just left */
    ws_cut(sockets[1], WS_TRY_AGAIN, BP_LIT("enough"));
}

static void on_closed(struct ws *ws, uint32_t code, bp_str reason) {
  (void)ws;
  (void)code;
  (void)reason;
  closed_count++;
}

static void on_gone(struct ws *ws) {
  free(ws);
}

static const struct ws_user user = {.drained = on_drained, .closed = on_closed, .gone = on_gone};

static void serve_socket(struct http_exchange *x) {
  struct ws *ws = calloc(1, sizeof(*ws));
  if (ws_open(ws, &user, x, (bp_str){0}))
    sockets[socket_count++] = ws;
  else
    free(ws);
}

static void queued_frames_leave_together(void **state) {
  (void)state;
  serve = serve_socket;
  socket_count = drained_count = closed_count = 0;
  open_crowd("/ws");
  assert_int_equal(socket_count, CROWD);
  struct frame *first = image_ws(WS_TEXT, BP_LIT("first")), *second = image_ws(WS_TEXT, BP_LIT("second"));
  for (unsigned i = 0; i < CROWD; i++) {
    assert_true(ws_send(sockets[i], first));
    if (i % 5 == 0)
      assert_true(ws_send(sockets[i], second));
  }
  frame_unref(first);
  frame_unref(second);
  unsigned closed = 0;
  for (unsigned i = 0; i < CROWD; i++) {
    assert_true(client_wait(&crowd[i],
                            "\x81\x05"
                            "first",
                            1));
    if (i % 5 == 0)
      assert_true(client_wait(&crowd[i], "\x81\x06second", 1));
    assert_true(client_count(&crowd[i], "first") == 1);
    closed += client_count(&crowd[i], "\x88\x08\x03\xf5"
                                      "enough");
  }
  assert_true(client_wait(&crowd[1],
                          "\x88\x08\x03\xf5"
                          "enough",
                          1));
  assert_true(closed <= 1);
  assert_int_equal(closed_count, 1);
  assert_in_range(drained_count, CROWD - 1, CROWD);
  free_crowd();
}

#define BOTH(name)                                                                                                                                   \
  {#name " (one by one)", name, start_each, stop, NULL}, {                                                                                           \
#name " (io_uring)", name, start_ring, stop, NULL                                                                                                \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(everybody_gets_everything), BOTH(laggards_are_cut_and_others_not), BOTH(what_does_not_fit_waits_for_its_socket),
      BOTH(those_who_left_do_no_harm), BOTH(newcomers_join_the_crowd),        BOTH(queued_frames_leave_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
