/* An event stream (WHATWG HTML 9.2) that watches a view; see clients.h. */
#include "live/clients.h"

#include "base/buf.h"
#include "base/str.h"
#include "live/image.h"

#include <stddef.h>
#include <stdlib.h>

#define END_RETRY_MS 1000u

struct sse_client {
  struct outlet out;
  struct subscriber subscriber;
};

static uint32_t open_count;

static struct sse_client *of(struct outlet *o) {
  return (struct sse_client *)(void *)((char *)o - offsetof(struct sse_client, out));
}

static void send_text(struct outlet *o, bp_str text) {
  struct frame *frame = image_raw(text);
  outlet_queue(o, frame);
  frame_unref(frame);
}

static void send_retry(struct outlet *o, uint32_t retry_ms) {
  struct buf text = {0};
  buf_printf(&text, "retry: %u\n\n", retry_ms);
  send_text(o, buf_str(&text));
  buf_release(&text);
}

static void on_readable(struct outlet *o, bp_str bytes) {
  (void)o;
  (void)bytes;
}

static void on_drained(struct outlet *o) {
  subscriber_drained(&of(o)->subscriber);
}

static void on_pulse(struct outlet *o, uint32_t now_s) {
  if (o->count > 0 || now_s - o->beat_s < SSE_BEAT_S)
    return;
  o->beat_s = now_s;
  send_text(o, BP_LIT(":\n\n"));
}

static void end(struct subscriber *s, bool is_laggard) {
  (void)is_laggard;
  struct sse_client *client = (struct sse_client *)(void *)((char *)s - offsetof(struct sse_client, subscriber));
  outlet_drop_waiting(&client->out);
  send_retry(&client->out, END_RETRY_MS);
  outlet_end(&client->out);
}

static void on_stop(struct outlet *o) {
  subscriber_dismiss(&of(o)->subscriber);
}

static void on_gone(struct outlet *o) {
  struct sse_client *client = of(o);
  subscriber_leave(&client->subscriber);
  open_count--;
  free(client);
}

static const struct outlet_kind kind = {.readable = on_readable, .drained = on_drained, .pulse = on_pulse, .stop = on_stop, .gone = on_gone};

static bool open_stream(struct sse_client *client, struct http_exchange *x) {
  exchange_header_add(x, BP_LIT("Cache-Control"), BP_LIT("no-cache"));
  exchange_header_add(x, BP_LIT("X-Accel-Buffering"), BP_LIT("no"));
  return outlet_open(&client->out, &kind, x, 200, BP_LIT(SSE_CONTENT_TYPE));
}

bool client_open_sse(struct http_exchange *x, struct audience *audience, uint64_t from, bp_str first, uint32_t retry_ms) {
  struct sse_client *client = calloc(1, sizeof(*client));
  audience->count++;
  if (!client || !open_stream(client, x)) {
    free(client);
    audience_leave(audience);
    return false;
  }
  open_count++;
  if (retry_ms)
    send_retry(&client->out, retry_ms);
  if (first.len)
    send_text(&client->out, first);
  client->subscriber.end = end;
  subscriber_join(&client->subscriber, audience, &client->out, from);
  return true;
}

uint64_t client_sse_from(const struct http_exchange *x, uint64_t from) {
  bp_str text;
  int64_t last;
  if (!exchange_header(x, "Last-Event-ID", &text) || !str_to_i64(text, &last) || last < 0)
    return from;
  return (uint64_t)last;
}

uint32_t clients_sse_count(void) {
  return open_count;
}
