/* WebSocket frames of a client: the reading ends the same way, with the same messages, however the bytes are cut. */
#include "base/str.h"
#include "fuzz.h"
#include "live/ws_reader.h"

#include <backplane/ws.h>

struct seen {
  uint64_t digest;
  unsigned messages, pings;
};

static void add(struct seen *seen, uint32_t kind, bp_str data) {
  seen->digest = seen->digest * 31 + kind;
  for (size_t i = 0; i < data.len; i++)
    seen->digest = seen->digest * 31 + (unsigned char)data.ptr[i];
}

static void on_message(void *owner, uint32_t type, bp_str data) {
  struct seen *seen = owner;
  REQUIRE(data.len <= WS_MESSAGE_MAX);
  REQUIRE(type == BP_WS_BINARY || (type == BP_WS_TEXT && str_is_utf8(data)));
  seen->messages++;
  add(seen, type, data);
}

static void on_ping(void *owner, bp_str payload) {
  struct seen *seen = owner;
  REQUIRE(payload.len <= 125);
  seen->pings++;
  add(seen, 9, payload);
}

static const struct ws_reader_events events = {.message = on_message, .ping = on_ping};

struct outcome {
  enum ws_reading reading;
  struct ws_end end;
  struct seen seen;
};

static struct outcome run(const uint8_t *data, size_t size, size_t step) {
  struct outcome o = {.reading = WS_GOES_ON};
  struct ws_reader reader = {0};
  for (size_t at = 0; at < size && o.reading == WS_GOES_ON; at += step) {
    size_t part = size - at < step ? size - at : step;
    o.reading = ws_reader_feed(&reader, &events, &o.seen, bp_str_make((const char *)data + at, part), &o.end);
    REQUIRE(o.reading == WS_GOES_ON || !reader.engine);
    REQUIRE(!ws_reader_is_at_rest(&reader) || !reader.engine);
  }
  REQUIRE(o.reading != WS_FAILED || (o.end.code >= 1002 && o.end.code <= 1009));
  REQUIRE(o.reading != WS_CLOSED_BY_PEER || o.end.code == 1005 || ws_check_close_code(o.end.code));
  ws_reader_release(&reader);
  return o;
}

/* A frame that breaks two rules may be refused for either. */
static bool is_same_end(const struct outcome *a, const struct outcome *b) {
  bool both_malformed = (a->end.code == 1002 || a->end.code == 1007) && (b->end.code == 1002 || b->end.code == 1007);
  return a->reading == b->reading && (a->reading == WS_GOES_ON || a->end.code == b->end.code || both_malformed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  struct outcome whole = run(data + 1, size - 1, size);
  struct outcome cut = run(data + 1, size - 1, data[0] % 16u + 1u);
  REQUIRE(is_same_end(&whole, &cut));
  REQUIRE(whole.seen.digest == cut.seen.digest && whole.seen.messages == cut.seen.messages && whole.seen.pings == cut.seen.pings);
  return 0;
}
