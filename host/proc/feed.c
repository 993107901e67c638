/* Coalescing of lines; see feed.h. */
#include "proc/feed.h"
#include "base/str.h"
#include "live/topic_log.h"
#include "loader/tables.h"
#include "loop/loop.h"
#include "json/json.h"

#include <event2/event.h>

#define PERIOD_MS 50
#define FULL_BYTES (64u * 1024)

/* Bytes that are not UTF-8 become U+FFFD one by one. */
static void append_utf8(struct buf *out, bp_str text) {
  if (str_is_utf8(text)) {
    buf_append_str(out, text);
    return;
  }
  for (size_t at = 0; at < text.len;) {
    size_t len = 1;
    while (len < 4 && at + len <= text.len && !str_is_utf8(bp_str_make(text.ptr + at, len)))
      len++;
    bool is_character = at + len <= text.len && str_is_utf8(bp_str_make(text.ptr + at, len));
    if (is_character)
      buf_append(out, text.ptr + at, len);
    else
      buf_append_z(out, "\xEF\xBF\xBD");
    at += is_character ? len : 1;
  }
}

static bp_status publish(const struct feed *feed) {
  struct buf payload = {0}, text = {0};
  append_utf8(&text, buf_str(&feed->text));
  buf_append_z(&payload, "{\"stream\":");
  doc_write_string(&payload, feed->stream);
  buf_append_z(&payload, ",\"line\":");
  doc_write_string(&payload, buf_str(&text));
  buf_append_char(&payload, '}');
  bp_status status = payload.failed || text.failed ? BP_E_NO_MEMORY : live_table.publish(feed->owner, feed->topic, feed->key, buf_str(&payload));
  if (status == BP_OK)
    topic_log_add(feed->topic, feed->key, buf_str(&payload));
  buf_release(&payload);
  buf_release(&text);
  return status;
}

static void arm(struct feed *feed) {
  int64_t delay_ms = feed->sent_ms + PERIOD_MS - loop_now_ms();
  struct timeval delay = {.tv_usec = delay_ms > 0 ? (suseconds_t)(delay_ms * 1000) : 0};
  if (!evtimer_pending(&feed->timer, NULL))
    evtimer_add(&feed->timer, &delay);
}

bool feed_is_full(const struct feed *feed) {
  return feed->text.len >= FULL_BYTES;
}

/* A live log that takes nothing right now gets it later; meanwhile the child waits. */
static void on_timer(evutil_socket_t fd, short what, void *arg) {
  struct feed *feed = arg;
  bool was_full = feed_is_full(feed);
  (void)fd;
  (void)what;
  feed->sent_ms = loop_now_ms();
  if (publish(feed) == BP_E_BUSY) {
    arm(feed);
    return;
  }
  buf_release(&feed->text);
  if (was_full)
    feed->has_room(feed->ctx);
}

void feed_init(struct feed *feed) {
  evtimer_assign(&feed->timer, loop_base(), on_timer, feed);
}

bool feed_add(struct feed *feed, bp_str line) {
  if (feed->topic.len == 0)
    return true;
  if (feed->text.len)
    buf_append_char(&feed->text, '\n');
  buf_append_str(&feed->text, line);
  if (feed->text.failed)
    buf_release(&feed->text);
  arm(feed);
  return !feed_is_full(feed);
}

void feed_release(struct feed *feed) {
  if (feed->text.len)
    publish(feed);
  buf_release(&feed->text);
  evtimer_del(&feed->timer);
}
