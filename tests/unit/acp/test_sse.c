/* The event stream of a remote gateway, as WHATWG HTML 9.2 reads one: fields, line ends, splits at every byte, limits, and what a
 * stream that breaks leaves behind. The client and the loop are played here; the parser is the module's. */
#include "../../../modules/acp/sse.c"
#include "../../../modules/kit/kit.c"
#include "unit.h"

#define MARK "~" /* between payloads */

static struct {
  bp_client_events events;
  void *ctx;
  unsigned sends, readies, payloads;
  size_t longest;
  char last_id[256], heard[1024];
  int64_t delay_ms;
  bp_timer_fn retry;
  struct sse *closes_itself;
} at;

/* ---- What the module calls ---- */

void intake(struct watched *w, bp_str payload) {
  (void)w;
  at.payloads++;
  at.longest = payload.len > at.longest ? payload.len : at.longest;
  size_t used = strlen(at.heard);
  if (used + payload.len + 2 < sizeof(at.heard))
    snprintf(at.heard + used, sizeof(at.heard) - used, "%.*s" MARK, (int)payload.len, payload.ptr);
  if (at.closes_itself)
    sse_close(at.closes_itself);
  at.closes_itself = NULL;
}

void percent_add(struct kit_buf *out, bp_str text) {
  kit_buf_add(out, text, URL_BYTES);
}

static bp_status fake_send(bp_plugin self, const bp_client_request *request, const bp_client_events *events, void *ctx, bp_exchange *ret,
                           bp_error *err) {
  const bp_client_header *headers = request->headers.ptr;
  (void)self;
  (void)err;
  at.last_id[0] = '\0';
  if (request->headers.count == 2)
    snprintf(at.last_id, sizeof(at.last_id), "%.*s", (int)headers[1].value.len, headers[1].value.ptr);
  at.events = *events;
  at.ctx = ctx;
  *ret = ++at.sends;
  return BP_OK;
}

static bp_status fake_cancel(bp_exchange exchange) {
  (void)exchange;
  return BP_OK;
}

static bp_status fake_timer(bp_plugin self, int64_t delay_ms, int64_t repeat_ms, bp_timer_fn fn, void *ctx, bp_timer *ret) {
  (void)self;
  (void)repeat_ms;
  (void)ctx;
  at.delay_ms = delay_ms;
  at.retry = fn;
  *ret = 1;
  return BP_OK;
}

static bp_status fake_timer_cancel(bp_timer timer) {
  (void)timer;
  return BP_OK;
}

static const bp_client_1 client = {.size = sizeof(client), .send = fake_send, .cancel = fake_cancel};
static const bp_loop_1 loop = {.size = sizeof(loop), .timer = fake_timer, .timer_cancel = fake_timer_cancel};
static struct acp acp = {.client = &client, .loop = &loop};
static char url[] = "http://gateway";
static struct watched watched = {.m = &acp, .acp_id = "s1", .url = url};

/* ---- What the gateway does; a piece is copied, so that reading past it is seen ---- */

static void give(const char *bytes, size_t len) {
  char *copy = malloc(len ? len : 1);
  memcpy(copy, bytes, len);
  at.events.chunk(at.ctx, at.sends, bp_str_make(copy, len));
  free(copy);
}

static void give_text(const char *text) {
  give(text, strlen(text));
}

static void give_many(char byte, size_t count) {
  char piece[8192];
  memset(piece, byte, sizeof(piece));
  for (; count > sizeof(piece); count -= sizeof(piece))
    give(piece, sizeof(piece));
  give(piece, count);
}

static void give_head(uint32_t status) {
  at.events.head(at.ctx, at.sends, status, (bp_array){NULL, 0, 0});
}

static void give_end(void) {
  at.events.done(at.ctx, at.sends, BP_OK, 200, bp_str_make("", 0), NULL);
}

static struct sse *begin(void) {
  memset(&at, 0, sizeof(at));
  struct sse *sse = sse_open(&watched);
  assert_non_null(sse);
  give_head(200);
  return sse;
}

static void end(struct sse *sse) {
  bool is_under_way = sse->exchange != 0;
  sse_close(sse);
  if (is_under_way)
    give_end();
}

static void begin_again(struct sse *sse) {
  give_end();
  at.retry(sse, 1);
  give_head(200);
}

/* ---- Cases ---- */

struct reading {
  const char *bytes, *heard;
};

static const struct reading readings[] = {
    {"data: a\n\n", "a~"},
    {"data:a\n\ndata:  b\n\n", "a~ b~"},
    {"data: a\r\n\r\ndata: b\r\n\r\n", "a~b~"},
    {"data: a\r\rdata: b\r\r", "a~b~"},
    {"data: a\r\ndata: b\rdata: c\n\r\n", "a\nb\nc~"},
    {"data: a\n\r", "a~"},
    {"event: x\nid: 1\nretry: 900\ndata: a\nother: y\n\n", "a~"},
    {"data: {\"a\":\ndata: 1}\n\n", "{\"a\":\n1}~"},
    {"data:\ndata: a\ndata\ndata: b\n\n", "\na\n\nb~"},
    {"data\n\ndata:\n\n", "~~"},
    {": hello\n\n:\n:data: x\ndata: a\n: y\n\n", "a~"},
    {"\n\n\r\n\r\revent: x\n\nid: 2\n\n", ""},
    {"\xEF\xBB\xBF"
     "data: a\n\n\xEF\xBB\xBF"
     "data: b\n\n",
     "a~"},
    {"\xEF\xBB\xBF\ndata: a\n\n", "a~"},
    {"\xEF\xBB"
     "data: a\n\ndata: b\n\n",
     "b~"},
    {" data: a\nDATA: b\ndatax: c\ndat: d\n\n", ""},
    {"data: a:b: c\n\n", "a:b: c~"},
    {"data: a\n", ""},
    {"data: a", ""},
    {"data: a\n\ndata: b\n", "a~"},
    {"data: \xE2\x82\xAC\n\n", "\xE2\x82\xAC~"},
};

static void expect_heard(const struct reading *reading) {
  if (strcmp(at.heard, reading->heard) != 0)
    fail_msg("%s was read as %s", reading->bytes, at.heard);
}

static void streams_are_read_however_they_are_split(void **state) {
  (void)state;
  for (unsigned i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
    size_t len = strlen(readings[i].bytes);
    for (size_t cut = 0; cut <= len; cut++) {
      struct sse *sse = begin();
      give(readings[i].bytes, cut);
      give(readings[i].bytes + cut, len - cut);
      expect_heard(&readings[i]);
      end(sse);
    }
    struct sse *sse = begin();
    for (size_t byte = 0; byte < len; byte++)
      give(readings[i].bytes + byte, 1);
    expect_heard(&readings[i]);
    end(sse);
  }
}

static void an_event_ended_by_cr_does_not_wait(void **state) {
  struct sse *sse = begin();
  (void)state;
  give_text("data: a\r\n\r");
  assert_string_equal(at.heard, "a~");
  give_text("\ndata: b\n\n");
  assert_string_equal(at.heard, "a~b~");
  end(sse);
}

static void the_id_of_the_last_whole_event_is_sent(void **state) {
  struct sse *sse = begin();
  (void)state;
  assert_string_equal(at.last_id, "");
  give_text("id: 7\ndata: a\n\nid: 8\ndata: b\n");
  begin_again(sse);
  assert_string_equal(at.last_id, "7");
  give_text("data: c\n\n");
  begin_again(sse);
  assert_string_equal(at.last_id, "7");
  give_text("id: 9\n\n");
  begin_again(sse);
  assert_string_equal(at.last_id, "9");
  give_text("id: a\x01z\ndata: d\n\n");
  give("id: a\0z\n\n", 9);
  begin_again(sse);
  assert_string_equal(at.last_id, "9");
  give_text("id\ndata: e\n\n");
  begin_again(sse);
  assert_string_equal(at.last_id, "");
  assert_string_equal(at.heard, "a~c~d~e~");
  end(sse);
}

static void ids_have_a_limit(void **state) {
  struct sse *sse = begin();
  (void)state;
  give_text("id: ");
  give_many('i', ID_MOST);
  give_text("\n\n");
  give_text("id: ");
  give_many('j', ID_MOST + 1);
  give_text("\n\n");
  begin_again(sse);
  assert_int_equal(strlen(at.last_id), ID_MOST);
  assert_int_equal(at.last_id[0], 'i');
  end(sse);
}

static void retry_sets_the_delay_within_limits(void **state) {
  static const struct {
    const char *line;
    int64_t delay_ms;
  } cases[] = {{"", DELAY_FIRST_MS},
               {"retry: 3000\n", 3000},
               {"retry:0\n", DELAY_FIRST_MS},
               {"retry: 99999999999999999999999999\n", DELAY_MOST_MS},
               {"retry: 3s\n", DELAY_FIRST_MS},
               {"retry: -3000\n", DELAY_FIRST_MS},
               {"retry\n", DELAY_FIRST_MS}};
  (void)state;
  for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct sse *sse = begin();
    give_text(cases[i].line);
    give_end();
    assert_int_equal(at.delay_ms, cases[i].delay_ms);
    end(sse);
  }
}

static void the_delay_rises_and_falls_back(void **state) {
  struct sse *sse = begin();
  (void)state;
  give_text("retry: 2000\n");
  for (int64_t delay_ms = 2000; delay_ms < DELAY_MOST_MS; delay_ms *= 2) {
    give_end();
    assert_int_equal(at.delay_ms, delay_ms);
    at.retry(sse, 1);
  }
  give_end();
  assert_int_equal(at.delay_ms, DELAY_MOST_MS);
  at.retry(sse, 1);
  give_head(200);
  give_end();
  assert_int_equal(at.delay_ms, 2000);
  end(sse);
}

static void a_line_at_the_limit_is_read(void **state) {
  struct sse *sse = begin();
  (void)state;
  give_text("data: ");
  give_many('x', EVENT_MOST - 6);
  give_text("\r\n\r\n");
  assert_int_equal(at.payloads, 1);
  assert_int_equal(at.longest, EVENT_MOST - 6);
  end(sse);
}

/* Whatever follows the part that is dropped is neither a line nor the end of an event. */
static void a_line_over_the_limit_drops_its_event(void **state) {
  static const char *const rests[] = {"\n", "x\n", "data: rest\n", "id: rest\n"};
  (void)state;
  for (unsigned i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
    struct sse *sse = begin();
    give_text("data: ");
    give_many('x', EVENT_MOST - 5);
    give_text(rests[i]);
    give_text("data: same event\n\ndata: next\n\n");
    assert_string_equal(at.heard, "next~");
    begin_again(sse);
    assert_string_equal(at.last_id, "");
    end(sse);
  }
}

static void a_line_without_end_takes_no_memory(void **state) {
  struct sse *sse = begin();
  (void)state;
  for (int i = 0; i < 5; i++) {
    give_many('x', EVENT_MOST);
    assert_true(sse->line.cap <= 2 * (size_t)EVENT_MOST);
  }
  give_text("\n\ndata: a\n\n");
  assert_string_equal(at.heard, "a~");
  end(sse);
}

static void an_event_of_many_lines_has_a_limit(void **state) {
  struct sse *sse = begin();
  (void)state;
  give_text("id: 5\n");
  for (int i = 0; i < 5; i++) {
    give_text("data: ");
    give_many('x', EVENT_MOST / 2);
    give_text("\n");
    assert_true(sse->data.cap <= 2 * (size_t)EVENT_MOST);
  }
  give_text("\ndata: a\n\n");
  assert_string_equal(at.heard, "a~");
  begin_again(sse);
  assert_string_equal(at.last_id, "5"); /* it would only come too long again */
  end(sse);
}

static void a_broken_stream_leaves_nothing_to_the_next(void **state) {
  static const char *const ends[] = {"data: old\n", "da", "data: old\r", "\xEF\xBB\xBF"};
  (void)state;
  for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    struct sse *sse = begin();
    give_text(ends[i]);
    begin_again(sse);
    give_text("\xEF\xBB\xBF\ndata: new\n\n");
    assert_string_equal(at.heard, "new~");
    end(sse);
  }
  struct sse *sse = begin();
  give_many('x', EVENT_MOST + 1);
  begin_again(sse);
  give_text("data: new\n\n");
  assert_string_equal(at.heard, "new~");
  end(sse);
}

static void the_body_of_a_refusal_is_no_stream(void **state) {
  struct sse *sse;
  (void)state;
  memset(&at, 0, sizeof(at));
  sse = sse_open(&watched);
  give_head(404);
  assert_false(sse_is_open(sse));
  give_text("id: 3\ndata: a\n\n");
  assert_string_equal(at.heard, "");
  give_end();
  at.retry(sse, 1);
  assert_string_equal(at.last_id, "");
  end(sse);
}

static void a_stream_closed_by_its_own_event_is_silent(void **state) {
  struct sse *sse = begin();
  (void)state;
  at.closes_itself = sse;
  give_text("id: 1\ndata: a\n\ndata: b\n\n");
  assert_string_equal(at.heard, "a~");
  give_end();
  assert_int_equal(at.sends, 1);
}

static void count_ready(void *ctx) {
  (void)ctx;
  at.readies++;
}

static void who_waits_is_told_once(void **state) {
  struct sse *sse;
  (void)state;
  memset(&at, 0, sizeof(at));
  sse = sse_open(&watched);
  sse_ready(sse, count_ready, NULL);
  assert_int_equal(at.readies, 0);
  give_head(200);
  assert_int_equal(at.readies, 1);
  sse_ready(sse, count_ready, NULL);
  assert_int_equal(at.readies, 2);
  end(sse);
  assert_int_equal(at.readies, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_are_read_however_they_are_split),
      cmocka_unit_test(an_event_ended_by_cr_does_not_wait),
      cmocka_unit_test(the_id_of_the_last_whole_event_is_sent),
      cmocka_unit_test(ids_have_a_limit),
      cmocka_unit_test(retry_sets_the_delay_within_limits),
      cmocka_unit_test(the_delay_rises_and_falls_back),
      cmocka_unit_test(a_line_at_the_limit_is_read),
      cmocka_unit_test(a_line_over_the_limit_drops_its_event),
      cmocka_unit_test(a_line_without_end_takes_no_memory),
      cmocka_unit_test(an_event_of_many_lines_has_a_limit),
      cmocka_unit_test(a_broken_stream_leaves_nothing_to_the_next),
      cmocka_unit_test(the_body_of_a_refusal_is_no_stream),
      cmocka_unit_test(a_stream_closed_by_its_own_event_is_silent),
      cmocka_unit_test(who_waits_is_told_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
