/* The long-polling transport: a GET that is answered when there is something to say, and POSTs with packets. */
#include "session.h"

#include "base64.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_TYPE BP_LIT("text/plain; charset=UTF-8")

/* ---- GET ---- */

void polling_answer(struct session *session, bp_str payload) {
  bp_request request = session->poll;
  if (!request)
    return;
  session->poll = 0;
  session->engine->t.http->header_add(request, BP_LIT("Cache-Control"), BP_LIT("no-store"));
  session->engine->t.http->reply_text(request, 200, TEXT_TYPE, payload);
}

static size_t payload_bytes(const struct session *session) {
  size_t bytes = 0;
  for (const struct out *out = session->out_first; out; out = out->next)
    bytes += 1 + (out->is_binary ? 1 + BASE64_BYTES(out->len) : out->len);
  return bytes;
}

static size_t put_packet(const struct out *out, char *to) {
  if (!out->is_binary) {
    memcpy(to, out->data, out->len);
    return out->len;
  }
  *to = PACKET_BINARY;
  base64_encode(bp_str_make(out->data, out->len), to + 1);
  return 1 + BASE64_BYTES(out->len);
}

void polling_flush(struct session *session) {
  if (!session->poll)
    return;
  char *payload = malloc(payload_bytes(session));
  size_t len = 0;
  if (!payload) {
    session_doom(session);
    return;
  }
  for (const struct out *out = session->out_first; out; out = out->next) {
    if (len)
      payload[len++] = PAYLOAD_SEPARATOR;
    len += put_packet(out, payload + len);
  }
  out_clear(session);
  polling_answer(session, bp_str_make(payload, len));
  free(payload);
}

/* The client left, or the host answered for us. A session that ends answers its poll, so it is there as long as this can come. */
static void on_cancel(void *ctx, bp_request request, uint32_t reason) {
  struct session *session = ctx;
  (void)request;
  (void)reason;
  session->poll = 0;
  session_end(session, "transport error");
}

void polling_get(struct session *session, bp_request request) {
  if (session->ws || session->poll) {
    refuse(session->engine, request, REFUSE_REQUEST);
    if (session->poll) /* two polls at once: nobody knows which of them hears what */
      session_end(session, "transport error");
    return;
  }
  session->poll = request;
  if (session->out_first)
    polling_flush(session);
  else if (session->upgrade == UPGRADE_PROBED)
    polling_answer(session, BP_LIT("6")); /* so that the client can change over */
  else
    session->engine->t.http->defer(request, on_cancel, session);
}

/* ---- POST ---- */

/* A body on its way. */
struct post {
  struct session *session;
  char *data;
  size_t len, cap;
  bool is_too_large, is_unaffordable;
};

static void post_free(struct post *post) {
  engine_charge(post->session->engine, -(int64_t)post->cap);
  post->session->has_post = false;
  session_unref(post->session);
  free(post->data);
  free(post);
}

static bool post_grow(struct post *post, size_t needed) {
  size_t cap = post->cap ? post->cap : 256;
  while (cap < needed)
    cap *= 2;
  if (cap == post->cap)
    return true;
  if (!engine_charge(post->session->engine, (int64_t)(cap - post->cap)))
    return false;
  char *data = realloc(post->data, cap);
  if (!data) {
    engine_charge(post->session->engine, -(int64_t)(cap - post->cap));
    return false;
  }
  post->data = data;
  post->cap = cap;
  return true;
}

static void on_chunk(void *ctx, bp_request request, bp_str bytes) {
  struct post *post = ctx;
  (void)request;
  if (post->is_too_large || post->is_unaffordable || bytes.len == 0)
    return;
  post->is_too_large = post->len + bytes.len > post->session->engine->limits.payload_bytes;
  if (post->is_too_large)
    return;
  post->is_unaffordable = !post_grow(post, post->len + bytes.len);
  if (post->is_unaffordable)
    return;
  memcpy(post->data + post->len, bytes.ptr, bytes.len);
  post->len += bytes.len;
}

static void take_binary(struct session *session, bp_str text) {
  char *data = malloc(text.len + 1);
  size_t len;
  if (data && base64_decode(text, data, &len))
    session_message(session, true, bp_str_make(data, len));
  else
    session_end(session, "parse error");
  free(data);
}

static void take_packets(struct session *session, bp_str payload) {
  bp_str text;
  for (size_t at = 0; !session->is_closed && payload_next(payload, &at, &text);) {
    if (text.ptr[0] == PACKET_BINARY)
      take_binary(session, bp_str_make(text.ptr + 1, text.len - 1));
    else
      session_packet(session, text);
  }
}

static void take_payload(struct session *session, bp_request request, bp_str payload) {
  struct engine *engine = session->engine;
  if (payload_check(payload) == 0) {
    refuse(engine, request, REFUSE_REQUEST);
    session_end(session, "parse error");
    return;
  }
  session_cork(session);
  take_packets(session, payload);
  session_uncork(session);
  engine->t.http->reply_text(request, 200, BP_LIT("text/html"), BP_LIT("ok"));
}

static void on_end(void *ctx, bp_request request) {
  struct post *post = ctx;
  struct session *session = post->session;
  const bp_http_1 *http = session->engine->t.http;
  bp_error err = BP_ERROR_INIT;
  if (session->is_closed) {
    refuse(session->engine, request, REFUSE_SID);
  } else if (post->is_too_large) {
    memcpy(err.message, "the payload is larger than maxPayload", sizeof("the payload is larger than maxPayload"));
    http->reply_failure(request, BP_E_LIMIT, &err);
  } else if (post->is_unaffordable) {
    http->reply_failure(request, BP_E_BUSY, NULL);
  } else {
    take_payload(session, request, bp_str_make(post->data, post->len));
  }
  post_free(post);
}

static void on_failed(void *ctx, bp_request request, bp_status status) {
  (void)request;
  (void)status;
  post_free(ctx);
}

void polling_post(struct session *session, bp_request request) {
  static const bp_body_sink sink = {.size = sizeof(bp_body_sink), .chunk = on_chunk, .end = on_end, .failed = on_failed};
  struct engine *engine = session->engine;
  if (session->ws || session->has_post) {
    refuse(engine, request, REFUSE_REQUEST);
    if (session->has_post) /* the order of their packets is unknown */
      session_end(session, "transport error");
    return;
  }
  struct post *post = calloc(1, sizeof(*post));
  if (!post) {
    engine->t.http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    return;
  }
  post->session = session_ref(session);
  session->has_post = true;
  bp_status status = engine->t.stream->body_read(request, &sink, post);
  if (status == BP_OK)
    return;
  post_free(post);
  engine->t.http->reply_failure(request, status, NULL);
}
