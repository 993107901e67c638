/* WebSockets over real connections: handshakes, the corpus, echoing, pongs, closing. */
#include "live_fixture.h"

#include "corpus.h"

/* ---- A server that echoes ---- */

static uint32_t closed_code;
static unsigned closed_count;

static void echo(struct ws *ws, uint32_t type, bp_str data) {
  struct frame *frame = image_ws(type == BP_WS_TEXT ? WS_TEXT : WS_BINARY, data);
  ws_send(ws, frame);
  frame_unref(frame);
}

static void ignore_drained(struct ws *ws) {
  (void)ws;
}

static void note_closed(struct ws *ws, uint32_t code, bp_str reason) {
  (void)ws;
  (void)reason;
  closed_code = code;
  closed_count++;
}

static void free_ws(struct ws *ws) {
  free(ws);
}

static const struct ws_user echo_user = {.message = echo, .drained = ignore_drained, .closed = note_closed, .gone = free_ws};
static struct ws *last_ws;

static void serve_echo(struct http_exchange *x) {
  bp_str text, protocol;
  unsigned refusal = ws_handshake_check(x, &text);
  if (refusal == 426)
    ws_handshake_refusal_headers(x);
  if (refusal || !ws_handshake_protocol(x, (bp_str){0}, &protocol)) {
    exchange_reply(x, refusal, BP_LIT("text/plain"), text);
    return;
  }
  last_ws = calloc(1, sizeof(*last_ws));
  if (!ws_open(last_ws, &echo_user, x, protocol))
    free(last_ws);
}

static int start_echo(void **state) {
  closed_count = 0;
  closed_code = 0;
  int result = start(state);
  serve = serve_echo;
  return result;
}

static struct client connect_ws(void) {
  struct client c = client_ws("/ws");
  assert_true(client_wait(&c, "\r\n\r\n", 1));
  assert_int_equal(client_count(&c, "HTTP/1.1 101 "), 1);
  assert_int_equal(client_count(&c, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), 1);
  assert_int_equal(client_count(&c, "Connection: Upgrade\r\n"), 1);
  assert_int_equal(client_count(&c, "Upgrade: websocket\r\n"), 1);
  buf_clear(&c.in);
  return c;
}

#define MASK0 "\x00\x00\x00\x00"
#define SEND(client, literal) client_send((client), (literal), sizeof(literal) - 1)

static void echoes_messages(void **state) {
  (void)state;
  struct client c = connect_ws();
  SEND(&c, "\x81\x82" MASK0 "hi");
  assert_true(client_wait(&c, "\x81\x02hi", 1));
  SEND(&c, "\x02\x81" MASK0 "a\x00\x81" MASK0 "b\x80\x81" MASK0 "c");
  assert_true(client_wait(&c,
                          "\x82\x03"
                          "abc",
                          1));
  SEND(&c, "\x88\x82" MASK0 "\x03\xe8");
  assert_true(client_wait(&c, "\x88\x02\x03\xe8", 1));
  assert_true(client_wait_closed(&c, 1000));
  assert_int_equal(closed_count, 1);
  assert_int_equal(closed_code, 1000);
  client_free(&c);
}

/* Bytes that come with the handshake itself are not lost. */
static void takes_early_frames(void **state) {
  (void)state;
  struct client c = client_new();
  static const char text[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                             "\x81\x82" MASK0 "hi";
  client_send(&c, text, sizeof(text) - 1);
  assert_true(client_wait(&c, "\r\n\r\n\x81\x02hi", 1));
  client_free(&c);
}

static void a_lost_connection_is_1006(void **state) {
  (void)state;
  struct client c = connect_ws();
  client_free(&c);
  spin(20);
  assert_int_equal(closed_count, 1);
  assert_int_equal(closed_code, 1006);
}

static void our_close_waits_for_the_answer(void **state) {
  (void)state;
  struct client c = connect_ws();
  ws_close(last_ws, 4001, BP_LIT("bye"));
  assert_true(client_wait(&c,
                          "\x88\x05\x0f\xa1"
                          "bye",
                          1));
  assert_int_equal(closed_count, 0);
  SEND(&c, "\x81\x82" MASK0 "hi\x88\x82" MASK0 "\x0f\xa1");
  assert_true(client_wait_closed(&c, 1000));
  assert_int_equal(client_count(&c, "hi"), 0);
  assert_int_equal(closed_code, 4001);
  client_free(&c);
}

/* A peer that pings without reading is not read from any more, so little is kept for it. */
static void a_flood_of_pings_is_not_buffered(void **state) {
  (void)state;
  struct client c = connect_ws();
  static char pings[131 * 500];
  for (int i = 0; i < 500; i++) {
    memset(pings + i * 131, 'p', 131);
    memcpy(pings + i * 131, "\x89\xfd" MASK0, 6);
  }
  size_t at = 0;
  for (int i = 0; i < 5000 && !last_ws->paused_for_pongs; i++) {
    ssize_t taken = send(c.fd, pings + at, sizeof(pings) - at, MSG_NOSIGNAL);
    at = taken > 0 ? (at + (size_t)taken) % sizeof(pings) : at;
    if (taken < 0)
      spin(1);
  }
  assert_true(last_ws->paused_for_pongs);
  assert_in_range(outlet_buffered(&last_ws->out), 1, 300000);
  size_t before = c.in.len;
  for (int i = 0; i < 3000 && last_ws->paused_for_pongs; i++) {
    client_read(&c);
    spin(1);
  }
  assert_true(c.in.len > before);
  assert_false(last_ws->paused_for_pongs);
  client_free(&c);
}

static void tokens_are_never_echoed(void **state) {
  (void)state;
  static const struct {
    const char *offer, *answer;
  } rows[] = {{"bp.token.abc", NULL}, {"bp, bp.token.abc", "bp"}, {"bp.token.abc , bp", "bp"}, {"chat, bp", NULL}, {"chat", NULL}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct client c = client_new();
    char text[500], answer[80];
    snprintf(text, sizeof(text),
             "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: WebSocket\r\nConnection: keep-alive, UPGRADE\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
             rows[i].offer);
    client_text(&c, text);
    assert_true(client_wait(&c, "HTTP/1.1 101 ", 1));
    snprintf(answer, sizeof(answer), "Sec-WebSocket-Protocol: %s\r\n", rows[i].answer ? rows[i].answer : "");
    assert_int_equal(client_count(&c, rows[i].answer ? answer : "Sec-WebSocket-Protocol"), rows[i].answer ? 1 : 0);
    client_free(&c);
  }
}

/* ---- The corpus ---- */

static bool has_close(struct client *c, const json_t *expected) {
  for (json_int_t code = 1000; code < 5000; code++) {
    const char frame[] = {(char)0x88, 2, (char)(unsigned char)(code >> 8), (char)(unsigned char)code};
    if (corpus_expects(expected, code) && c->in.len >= 4 && memmem(c->in.data, c->in.len, frame, 4))
      return true;
  }
  return false;
}

static void run_frames(const json_t *row, const unsigned char *bytes, size_t len) {
  const json_t *expected = json_object_get(row, "expect"), *code = json_object_get(expected, "close");
  if (json_is_string(code))
    return; /* cut by a timer: see silence_in_a_frame_is_cut */
  struct client c = connect_ws();
  client_send(&c, bytes, len);
  client_wait_closed(&c, 2000);
  size_t pong_len = 0;
  unsigned char *pong = corpus_bytes(expected, "pong", &pong_len);
  bool is_right = c.is_closed && has_close(&c, code) && (!pong || memmem(c.in.data, c.in.len, pong, pong_len));
  free(pong);
  client_free(&c);
  if (!is_right)
    fail_msg("%s", json_string_value(json_object_get(row, "id")));
}

static void run_handshake(const json_t *row, const unsigned char *bytes, size_t len) {
  const json_t *expected = json_object_get(row, "expect");
  struct client c = client_new();
  client_send(&c, bytes, len);
  client_wait(&c, "\r\n\r\n", 1);
  unsigned status = c.in.len > 12 ? (unsigned)strtoul(c.in.data + 9, NULL, 10) : 0;
  const char *header = json_string_value(json_object_get(expected, "header"));
  const char *no_header = json_string_value(json_object_get(expected, "no_header"));
  bool is_right = corpus_expects(json_object_get(expected, "status"), status) && (!header || client_count(&c, header) == 1) &&
                  (!no_header || client_count(&c, no_header) == 0);
  client_free(&c);
  if (!is_right)
    fail_msg("%s: %u", json_string_value(json_object_get(row, "id")), status);
}

static void run_row(const json_t *row) {
  size_t len;
  unsigned char *frames = corpus_bytes(row, "frames_b64", &len);
  if (frames)
    run_frames(row, frames, len);
  free(frames);
  unsigned char *handshake = corpus_bytes(row, "handshake_b64", &len);
  if (handshake)
    run_handshake(row, handshake, len);
  free(handshake);
}

static void every_corpus_row_holds(void **state) {
  (void)state;
  corpus_each(run_row);
}

/* The clock is turned by hand: the pulse runs as if so many seconds had passed. */
static void silence_in_a_frame_is_cut(void **state) {
  (void)state;
  struct client c = connect_ws();
  SEND(&c, "\x81");
  spin(20);
  last_ws->heard_s = outlet_clock_s() - WS_FRAME_S;
  last_ws->out.kind->pulse(&last_ws->out, outlet_clock_s());
  assert_true(client_wait(&c, "\x88\x02\x03\xf0", 1));
  assert_true(client_wait_closed(&c, 1000));
  client_free(&c);
}

static void silence_is_asked_then_cut(void **state) {
  (void)state;
  struct client c = connect_ws();
  last_ws->out.beat_s = outlet_clock_s() - WS_PING_S;
  last_ws->out.kind->pulse(&last_ws->out, outlet_clock_s());
  assert_true(client_wait(&c, "\x89\x00", 0) && closed_count == 0);
  spin(10);
  client_read(&c);
  assert_int_equal(c.in.len, 2);
  assert_memory_equal(c.in.data, "\x89\x00", 2);
  last_ws->heard_s = last_ws->out.moved_s = outlet_clock_s() - WS_DEAD_S;
  last_ws->out.kind->pulse(&last_ws->out, outlet_clock_s());
  assert_true(client_wait_closed(&c, 1000));
  assert_int_equal(closed_code, 1006);
  client_free(&c);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start_echo, stop)
  const struct CMUnitTest tests[] = {
      CASE(echoes_messages),
      CASE(takes_early_frames),
      CASE(a_lost_connection_is_1006),
      CASE(our_close_waits_for_the_answer),
      CASE(a_flood_of_pings_is_not_buffered),
      CASE(tokens_are_never_echoed),
      CASE(every_corpus_row_holds),
      CASE(silence_in_a_frame_is_cut),
      CASE(silence_is_asked_then_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
