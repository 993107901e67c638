/* Request bodies: what is done with them, their limits, and "100 Continue". */
#include "http/limits.h"
#include "http/wire.h"
#include "loop/loop.h"

static uint64_t bytes_in_memory; /* of all bodies */

static const char too_large[] = "the request body is larger than this route allows";

bool body_bytes_take(size_t bytes) {
  if (bytes > http_limits.body_total_bytes || bytes_in_memory > http_limits.body_total_bytes - bytes)
    return false;
  bytes_in_memory += bytes;
  return true;
}

void body_bytes_give(size_t bytes) {
  bytes_in_memory -= bytes;
}

/* What is kept has been taken: bytes.len tells how much to give back. */
static void keep(struct exchange *x, bp_str bytes) {
  if (!body_bytes_take(bytes.len)) {
    exchange_refuse(x, 503, "too many request bodies are in memory now; try again later");
    return;
  }
  buf_append_str(&x->body.bytes, bytes);
  if (!x->body.bytes.failed)
    return;
  body_bytes_give(bytes.len);
  exchange_refuse(x, 503, "there is no memory for the request body now");
}

void body_begin(struct exchange *x, bool expects_continue) {
  if (!x->pub.has_body)
    return;
  x->pub.connection->reading = x;
  x->body.owes_continue = expects_continue;
  x->body.started_ms = x->body.last_ms = loop_now_ms();
}

/* The last byte is in. */
static void complete(struct exchange *x) {
  struct http_connection *c = x->pub.connection;
  if (c->reading == x)
    c->reading = NULL;
  c->needs_settling = true; /* one that was answered before its body ended leaves only now */
  if (!x->pub.is_replied && !x->error_status) {
    if (x->body.mode == BODY_BUFFER)
      wire.handler->body(&x->pub, buf_str(&x->body.bytes));
    else if (x->body.mode == BODY_STREAM)
      x->body.sink->end(&x->pub, x->body.ctx);
  }
  if (!x->pub.keep_alive)
    c->is_deaf = true;
}

void body_decide(struct exchange *x) {
  if (x->body.mode == BODY_UNDECIDED)
    x->body.mode = BODY_DISCARD;
  else if (!x->pub.has_body)
    complete(x);
  body_continue(x);
}

void body_continue(struct exchange *x) {
  struct body *body = &x->body;
  bool is_wanted = body->mode == BODY_BUFFER || body->mode == BODY_STREAM;
  if (!body->owes_continue || !is_wanted || x->pub.is_replied || x->error_status || x->pub.connection->first != x)
    return;
  body->owes_continue = false;
  if (body->received == 0)
    exchange_emit(x, BP_LIT("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* Stops reading requests on the connection, which closes after the replies that are due. */
static void give_up(struct exchange *x) {
  struct http_connection *c = x->pub.connection;
  x->pub.keep_alive = false;
  c->reading = NULL;
  c->is_deaf = true;
  c->lingers = true;
  exchange_mark(x);
}

void body_abandon(struct exchange *x) {
  struct http_connection *c = x->pub.connection;
  if (c->reading != x)
    return;
  x->body.is_paused = false; /* nobody is left who would ask for the rest */
  int64_t left = x->pub.content_length < 0 ? 0 : x->pub.content_length - (int64_t)x->body.received;
  if (left > DISCARD_BYTES_MAX || x->body.owes_continue)
    give_up(x);
}

static void take(struct exchange *x, bp_str bytes) {
  struct body *body = &x->body;
  body->received += bytes.len;
  body->last_ms = loop_now_ms();
  if (x->pub.is_replied || body->mode == BODY_DISCARD) {
    body->discarded += (uint32_t)bytes.len;
    if (body->discarded > DISCARD_BYTES_MAX)
      give_up(x);
  } else if (body->received > body->limit) {
    exchange_refuse(x, 413, too_large);
  } else if (body->mode == BODY_STREAM) {
    body->sink->chunk(&x->pub, body->ctx, bytes);
  } else {
    keep(x, bytes);
  }
}

static bool consume_plain(struct exchange *x, bp_str *bytes) {
  struct http_connection *c = x->pub.connection;
  uint64_t left = (uint64_t)x->pub.content_length - x->body.received;
  size_t len = left < bytes->len ? (size_t)left : bytes->len;
  if (len == 0)
    return false;
  bp_str part = bp_str_make(bytes->ptr, len);
  *bytes = bp_str_make(bytes->ptr + len, bytes->len - len);
  take(x, part);
  if (c->reading == x && !x->error_status && x->body.received == (uint64_t)x->pub.content_length)
    complete(x);
  return true;
}

static bool consume_chunks(struct exchange *x, bp_str *bytes) {
  size_t used = 0;
  bp_str part = {0};
  enum chunk_result result = chunked_read(&x->body.chunks, *bytes, &used, &part);
  *bytes = bp_str_make(bytes->ptr + used, bytes->len - used);
  bool is_wanted = !x->pub.is_replied && x->body.mode != BODY_DISCARD;
  uint64_t announced = chunked_announced(&x->body.chunks) + part.len;
  if (result == CHUNK_ERROR)
    exchange_refuse(x, 400, "the request body is not a valid chunked body");
  else if (is_wanted && (announced > x->body.limit || x->body.received > x->body.limit - announced))
    exchange_refuse(x, 413, too_large);
  else if (result == CHUNK_DATA)
    take(x, part);
  else if (result == CHUNK_END)
    complete(x);
  return result == CHUNK_DATA || result == CHUNK_END;
}

bool body_consume(struct http_connection *c, bp_str *bytes) {
  struct exchange *x = c->reading;
  if (bytes->len == 0 || x->error_status)
    return false;
  return x->pub.is_chunked ? consume_chunks(x, bytes) : consume_plain(x, bytes);
}

static void choose(struct exchange *x, enum body_mode mode, uint64_t limit) {
  LOOP_MAIN();
  if (x->body.mode != BODY_UNDECIDED || x->pub.is_replied)
    return;
  x->body.mode = (uint8_t)mode;
  x->body.limit = limit;
  if (x->pub.content_length > 0 && (uint64_t)x->pub.content_length > limit)
    exchange_refuse(x, 413, too_large);
}

void exchange_body_buffer(struct http_exchange *pub, uint64_t limit) {
  choose(exchange_of(pub), BODY_BUFFER, limit);
}

void exchange_body_stream(struct http_exchange *pub, uint64_t limit, const struct http_body_sink *sink, void *ctx) {
  struct exchange *x = exchange_of(pub);
  x->body.sink = sink;
  x->body.ctx = ctx;
  choose(x, BODY_STREAM, limit);
}

void exchange_body_pause(struct http_exchange *pub, bool pause) {
  LOOP_MAIN();
  struct exchange *x = exchange_of(pub);
  if (x->body.is_paused == pause || pub->is_replied)
    return;
  x->body.is_paused = pause;
  if (!pause) {
    x->body.started_ms = x->body.last_ms = loop_now_ms();
    x->body.rated_from = x->body.received;
  }
  connection_touch(pub->connection);
}
