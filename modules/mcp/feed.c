/* Event streams with ids and replay; see session.h. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES (256u * 1024)

struct feed *feed_new(struct session *session, bool is_own) {
  if (session->feed_count >= FEEDS_MOST)
    feeds_expire(session, INT64_MAX);
  struct feed *feed = session->feed_count < FEEDS_MOST ? calloc(1, sizeof(*feed)) : NULL;
  if (!feed)
    return NULL;
  *feed = (struct feed){.next = session->feeds, .session = session, .number = is_own ? 0 : ++session->next_feed};
  session->feeds = feed;
  session->feed_count++;
  return feed;
}

struct feed *feed_own(struct session *session) {
  for (struct feed *feed = session->feeds; feed; feed = feed->next)
    if (feed->number == 0)
      return feed;
  return NULL;
}

/* ---- Events ---- */

static void drop_first(struct feed *feed) {
  struct event *event = feed->first;
  feed->first = event->next;
  if (!feed->first)
    feed->last = NULL;
  if (feed->unsent == event) {
    feed->unsent = event->next;
    feed->unsent_offset = 0;
  }
  feed->bytes -= event->len;
  feed->session->bytes -= event->len;
  free(event);
}

/* What has been sent is only kept for replay. */
static void trim(struct feed *feed) {
  while (feed->first && feed->first != feed->unsent && feed->bytes > FEED_BYTES_MOST)
    drop_first(feed);
}

static bool add_event(struct feed *feed, bp_str data, const char *head) {
  char start[96];
  int start_len = snprintf(start, sizeof(start), "%sid: %u-%u\ndata: ", head, feed->number, feed->next_event);
  struct event *event = malloc(sizeof(*event) + (size_t)start_len + data.len + 2);
  if (!event)
    return false;
  *event = (struct event){.number = feed->next_event++, .len = (size_t)start_len + data.len + 2};
  memcpy(event->data, start, (size_t)start_len);
  if (data.len)
    memcpy(event->data + start_len, data.ptr, data.len);
  event->data[event->len - 2] = event->data[event->len - 1] = '\n';
  if (feed->last)
    feed->last->next = event;
  else
    feed->first = event;
  feed->last = event;
  if (!feed->unsent) {
    feed->unsent = event;
    feed->unsent_offset = 0;
  }
  feed->bytes += event->len;
  feed->session->bytes += event->len;
  return true;
}

/* ---- The connection ---- */

static void pump(struct feed *feed);

static void on_drained(void *ctx, bp_stream stream) {
  struct feed *feed = ctx;
  if (feed->out == stream)
    pump(feed);
}

static void on_closed(void *ctx, bp_stream stream, bp_status status) {
  struct feed *feed = ctx;
  (void)status;
  if (feed->out != stream)
    return;
  feed->out = 0;
  feed->unsent_offset = 0; /* who comes again gets the whole event */
  feed->session->used_ms = now_ms(feed->session->m);
}

/* Sends what the connection takes; ends it after the last event of a feed that has ended. */
static void pump(struct feed *feed) {
  const struct mcp *m = feed->session->m;
  while (feed->out && feed->unsent) {
    size_t left = feed->unsent->len - feed->unsent_offset;
    size_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
    bp_status status = m->stream->write(feed->out, bp_str_make(feed->unsent->data + feed->unsent_offset, len));
    if (status != BP_OK)
      return; /* drained or closed follows */
    feed->unsent_offset += len;
    if (feed->unsent_offset < feed->unsent->len)
      continue;
    feed->unsent = feed->unsent->next;
    feed->unsent_offset = 0;
  }
  trim(feed);
  if (feed->out && feed->is_ended) {
    bp_stream out = feed->out;
    feed->out = 0;
    m->stream->end(out);
  }
}

void feed_detach(struct feed *feed) {
  bp_stream out = feed->out;
  feed->out = 0;
  feed->unsent_offset = 0;
  if (out)
    feed->session->m->stream->end(out);
}

bool feed_attach(struct feed *feed, bp_request request, uint32_t after) {
  static const bp_stream_events events = {.size = sizeof(events), .drained = on_drained, .closed = on_closed};
  const struct mcp *m = feed->session->m;
  feed_detach(feed);
  if (after != UINT32_MAX) {
    feed->unsent = feed->first;
    while (feed->unsent && feed->unsent->number <= after)
      feed->unsent = feed->unsent->next;
  }
  m->http->header_add(request, BP_LIT("Mcp-Session-Id"), str_z(feed->session->id));
  m->http->header_add(request, BP_LIT("Cache-Control"), BP_LIT("no-cache, no-transform"));
  m->http->header_add(request, BP_LIT("X-Accel-Buffering"), BP_LIT("no"));
  if (m->stream->begin(request, 200, BP_LIT("text/event-stream"), &events, feed, &feed->out) != BP_OK)
    return false;
  if (feed->next_event == 0 && feed->session->has_primer) {
    char head[32];
    snprintf(head, sizeof(head), "retry: %d\n", RETRY_MS);
    add_event(feed, BP_LIT(""), head);
  }
  pump(feed);
  return true;
}

/* ---- What comes ---- */

/* Oldest finished feeds give way. */
static void make_room(struct session *session, size_t bytes) {
  while (session->bytes + bytes > SESSION_BYTES_MOST) {
    struct feed *oldest = NULL;
    for (struct feed *feed = session->feeds; feed; feed = feed->next)
      if (feed->is_ended && !feed->out)
        oldest = feed;
    if (!oldest)
      return;
    feed_free(oldest);
  }
}

bool feed_has_unsent(const struct feed *feed, uint32_t after) {
  const struct event *next = feed ? feed->unsent : NULL;
  return next && after > next->number + (feed->unsent_offset > 0);
}

bool feed_put(struct feed *feed, struct text *message, bool may_drop) {
  const struct mcp *m = feed ? feed->session->m : NULL;
  bool is_taken = feed && message->len && !(may_drop && feed->bytes + message->len > FEED_BYTES_MOST);
  if (is_taken) {
    make_room(feed->session, message->len);
    if (feed->session->bytes + message->len > SESSION_BYTES_MOST) {
      say(m, BP_LOG_WARN, "a client of /mcp does not read, and has lost a message", str_z(feed->session->id));
      is_taken = false;
    }
  }
  is_taken = is_taken && add_event(feed, text_str(message), "event: message\n");
  if (is_taken)
    pump(feed);
  text_release(message);
  return is_taken;
}

void feed_end(struct feed *feed) {
  feed->is_ended = true;
  feed->ended_ms = now_ms(feed->session->m);
  pump(feed);
}

void feed_free(struct feed *feed) {
  struct session *session = feed->session;
  for (struct feed **at = &session->feeds; *at; at = &(*at)->next)
    if (*at == feed) {
      *at = feed->next;
      break;
    }
  session->feed_count--;
  bp_stream out = feed->out;
  feed->out = 0;
  if (out)
    session->m->stream->end(out);
  for (struct call *call = session->calls; call; call = call->next)
    if (call->feed == feed)
      call->feed = NULL;
  while (feed->first)
    drop_first(feed);
  free(feed);
}

struct feed *feed_find(const struct session *session, bp_str event_id, uint32_t *ret_event) {
  char text[32];
  unsigned number, event;
  int end = 0;
  if (event_id.len == 0 || event_id.len >= sizeof(text))
    return NULL;
  memcpy(text, event_id.ptr, event_id.len);
  text[event_id.len] = '\0';
  if (sscanf(text, "%9u-%9u%n", &number, &event, &end) != 2 || (size_t)end != event_id.len)
    return NULL;
  *ret_event = event;
  for (struct feed *feed = session->feeds; feed; feed = feed->next)
    if (feed->number == number)
      return event < feed->next_event || feed->next_event == 0 ? feed : NULL;
  return NULL;
}

void feeds_expire(struct session *session, int64_t now) {
  for (struct feed *feed = session->feeds, *next; feed; feed = next) {
    next = feed->next;
    if (feed->is_ended && !feed->out && now - FEED_KEPT_MS > feed->ended_ms)
      feed_free(feed);
  }
}
