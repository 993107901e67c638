/* Request bodies in pieces (bp.stream/1, body_*). A reader lies in its request's arena: the wire may
 * call it until the exchange is finished. */
#include "loader/plugin.h"
#include "loop/loop.h"
#include "router/request.h"
#include "router/stream_calls.h"

#include <string.h>

struct reader {
  bp_request request;
  bp_body_sink sink; /* a widened copy */
  void *ctx;
};

/* The request is still the plugin's to answer: else what comes of its body is thrown away. */
static struct request *owner_of(const struct reader *reader) {
  struct request *r = request_find(reader->request);
  return r != NULL && !request_is_claimed(r) ? r : NULL;
}

static void on_chunk(struct http_exchange *x, void *ctx, bp_str bytes) {
  const struct reader *reader = ctx;
  struct request *r = owner_of(reader);
  struct culprit frame;
  (void)x;
  if (r == NULL)
    return;
  request_postpone(r);
  culprit_enter(&frame, r->route->owner, "body chunk of route", r->route->facts.operation_id);
  reader->sink.chunk(reader->ctx, reader->request, bytes);
  culprit_leave(&frame);
}

static void on_end(struct http_exchange *x, void *ctx) {
  const struct reader *reader = ctx;
  struct request *r = owner_of(reader);
  struct culprit frame;
  if (r == NULL)
    return;
  request_follow(x, NULL, NULL);
  request_postpone(r);
  culprit_enter(&frame, r->route->owner, "body end of route", r->route->facts.operation_id);
  reader->sink.end(reader->ctx, reader->request);
  culprit_leave(&frame);
}

static void on_gone(struct http_exchange *x, void *ctx, bp_status why) {
  const struct reader *reader = ctx;
  const struct request *r = x->user;
  struct culprit frame;
  if (reader->sink.failed == NULL)
    return;
  culprit_enter(&frame, r->route->owner, "failed body of route", r->route->facts.operation_id);
  reader->sink.failed(reader->ctx, reader->request, why);
  culprit_leave(&frame);
}

bp_status stream_body_read(bp_request request, const bp_body_sink *sink, void *ctx) {
  static const struct http_body_sink wire_sink = {on_chunk, on_end};
  if (!loop_is_main())
    return BP_E_THREAD;
  struct request *r = request_find(request);
  if (r == NULL || request_is_claimed(r))
    return BP_E_STALE;
  if (!BP_HAS(sink, bp_body_sink, end) || sink->chunk == NULL || sink->end == NULL)
    return BP_E_INVALID;
  if (!(r->route->facts.flags & BP_ROUTE_STREAM) || r->is_body_read || !request_is_running(r))
    return BP_E_STATE;
  struct reader *reader = request_alloc_aligned(r, sizeof(*reader));
  if (reader == NULL)
    return BP_E_NO_MEMORY;
  *reader = (struct reader){.request = request, .ctx = ctx};
  memcpy(&reader->sink, sink, sink->size < sizeof(reader->sink) ? sink->size : sizeof(reader->sink));
  r->is_body_read = true;
  request_defer_for_host(r);
  request_follow(r->x, on_gone, reader);
  exchange_body_stream(r->x, r->route->body_limit_bytes, &wire_sink, reader);
  return BP_OK;
}

static bp_status set_paused(bp_request request, bool pause) {
  if (!loop_is_main())
    return BP_E_THREAD;
  struct http_exchange *x = request_exchange(request);
  if (x == NULL)
    return BP_E_STALE;
  exchange_body_pause(x, pause);
  return BP_OK;
}

bp_status stream_body_pause(bp_request request) {
  return set_paused(request, true);
}

bp_status stream_body_resume(bp_request request) {
  return set_paused(request, false);
}
