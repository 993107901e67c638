/* Responses of unknown length (bp.stream/1, begin to end). A stream lives until `end`, or until its client or plugin has gone. */
#include "base/slots.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/header_text.h"
#include "router/request.h"
#include "router/stream_calls.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERED_BYTES_MAX (1024u * 1024)

struct stream {
  struct owned owned;
  bp_stream handle;
  struct http_exchange *x;
  bp_stream_events events; /* a widened copy */
  void *ctx;
};

static struct slots streams;

/* Forgets it: no event follows. The exchange is the caller's to end. */
static void stream_free(struct stream *stream) {
  slots_remove(&streams, stream->handle);
  if (stream->owned.owner != NULL)
    owned_remove(&stream->owned);
  free(stream);
}

/* Says that it is over; the handle is stale by then. */
static void close_stream(struct stream *stream, bp_status why) {
  struct plugin *owner = stream->owned.owner;
  struct stream last = *stream;
  struct culprit frame;
  stream_free(stream);
  if (last.events.closed == NULL)
    return;
  culprit_enter(&frame, owner, "closed response stream", bp_str_make(NULL, 0));
  last.events.closed(last.ctx, last.handle, why);
  culprit_leave(&frame);
}

static void on_gone(struct http_exchange *x, void *ctx, bp_status why) {
  (void)x;
  close_stream(ctx, why);
}

static void on_revoke(struct owned *self) {
  struct stream *stream = (struct stream *)(void *)((char *)self - offsetof(struct stream, owned));
  struct http_exchange *x = stream->x;
  request_follow(x, NULL, NULL);
  close_stream(stream, BP_E_CANCELLED);
  exchange_stream_end(x);
}

static void on_drained(struct http_exchange *x) {
  const struct request *r = x->user;
  struct culprit frame;
  if (r == NULL || r->follower != on_gone)
    return;
  const struct stream *stream = r->follower_ctx;
  if (stream->events.drained == NULL)
    return;
  culprit_enter(&frame, stream->owned.owner, "drained response stream", bp_str_make(NULL, 0));
  stream->events.drained(stream->ctx, stream->handle);
  culprit_leave(&frame);
}

bp_status stream_begin(bp_request request, uint32_t status, bp_str content_type, const bp_stream_events *events, void *ctx, bp_stream *ret) {
  if (!loop_is_main())
    return BP_E_THREAD;
  struct request *r = request_find(request);
  if (r == NULL || request_is_claimed(r))
    return BP_E_STALE;
  if (status < 200 || status > 599 || ret == NULL || !is_header_text(content_type))
    return BP_E_INVALID;
  struct stream *stream = calloc(1, sizeof(*stream));
  bp_stream handle = stream != NULL ? slots_add(&streams, stream) : 0;
  if (handle == 0) {
    free(stream);
    return BP_E_NO_MEMORY;
  }
  struct http_exchange *x = r->x;
  stream->handle = handle;
  stream->x = x;
  stream->ctx = ctx;
  if (events != NULL)
    memcpy(&stream->events, events, events->size < sizeof(stream->events) ? events->size : sizeof(stream->events));
  owned_add(r->route->owner, &stream->owned, on_revoke);
  (void)request_claim(r);
  request_note_status(x, status);
  request_follow(x, on_gone, stream);
  exchange_stream_begin(x, status, content_type, on_drained);
  *ret = handle;
  return BP_OK;
}

static struct stream *find(bp_stream handle) {
  return loop_is_main() ? slots_get(&streams, handle) : NULL;
}

/* One write more than fills the buffer is taken, so that a plugin can always make progress. */
bp_status stream_write(bp_stream handle, bp_str bytes) {
  if (!loop_is_main())
    return BP_E_THREAD;
  const struct stream *stream = find(handle);
  if (stream == NULL)
    return BP_E_STALE;
  if (bytes.len > BUFFERED_BYTES_MAX)
    return BP_E_LIMIT;
  if (exchange_stream_buffered(stream->x) >= BUFFERED_BYTES_MAX)
    return BP_E_BUSY;
  return exchange_stream_write(stream->x, bytes) ? BP_OK : BP_E_STALE;
}

uint64_t stream_buffered(bp_stream handle) {
  const struct stream *stream = find(handle);
  return stream != NULL ? exchange_stream_buffered(stream->x) : 0;
}

bp_status stream_end(bp_stream handle) {
  if (!loop_is_main())
    return BP_E_THREAD;
  struct stream *stream = find(handle);
  if (stream == NULL)
    return BP_E_STALE;
  struct http_exchange *x = stream->x;
  request_follow(x, NULL, NULL);
  stream_free(stream);
  exchange_stream_end(x);
  return BP_OK;
}
