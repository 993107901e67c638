/* Exchanges: their pool, what handlers may ask of them, and their order on a connection. Replies are made in reply.c. */
#include "http/exchange.h"
#include "base/str.h"
#include "http/target.h"
#include "http/wire.h"
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

/* Exchanges are reused with the memory of their buffers, as long as neither grows large. */
#define POOL_MAX 64
#define POOLED_BUFFER_BYTES_MAX 4096

static struct exchange *pool;
static unsigned pooled;

static void empty_buffer(struct buf *b) {
  if (b->cap > POOLED_BUFFER_BYTES_MAX)
    buf_release(b);
  else
    buf_clear(b);
}

static struct exchange *take_from_pool(void) {
  struct exchange *x = pool;
  if (!x)
    return calloc(1, sizeof(*x));
  pool = x->next;
  pooled--;
  struct buf held = x->held, extra = x->extra, bytes = x->body.bytes;
  memset(x, 0, sizeof(*x));
  x->held = held;
  x->extra = extra;
  x->body.bytes = bytes;
  return x;
}

struct exchange *exchange_new(struct http_connection *c) {
  struct exchange *x = take_from_pool();
  if (!x)
    return NULL;
  x->pub.connection = c;
  x->pub.listener = c->listener;
  x->pub.method = HTTP_OTHER;
  x->pub.content_length = -1;
  if (c->last)
    c->last->next = x;
  else
    c->first = x;
  c->last = x;
  c->exchange_count++;
  wire.counters.exchanges++;
  return x;
}

void exchange_free(struct exchange *x) {
  if (wire.borrowed == x)
    wire.borrowed = NULL;
  wire.counters.exchanges--;
  output_release(&x->out);
  empty_buffer(&x->held);
  empty_buffer(&x->extra);
  body_bytes_give(x->body.bytes.len);
  empty_buffer(&x->body.bytes);
  if (pooled < POOL_MAX) {
    x->next = pool;
    pool = x;
    pooled++;
    return;
  }
  buf_release(&x->held);
  buf_release(&x->extra);
  buf_release(&x->body.bytes);
  free(x);
}

/* ---- The request ---- */

static enum http_method method_of(bp_str text) {
  static const struct {
    bp_str text;
    enum http_method method;
  } methods[] = {
      {BP_STR("GET"), HTTP_GET},     {BP_STR("HEAD"), HTTP_HEAD},     {BP_STR("POST"), HTTP_POST},       {BP_STR("PUT"), HTTP_PUT},
      {BP_STR("PATCH"), HTTP_PATCH}, {BP_STR("DELETE"), HTTP_DELETE}, {BP_STR("OPTIONS"), HTTP_OPTIONS},
  };
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
    if (str_eq(text, methods[i].text))
      return methods[i].method;
  return HTTP_OTHER;
}

bool exchange_is_safe(const struct exchange *x) {
  return x->pub.method == HTTP_GET || x->pub.method == HTTP_HEAD || x->pub.method == HTTP_OPTIONS;
}

static bp_str slice_of(const char *data, struct head_slice slice) {
  return bp_str_make(slice.len ? data + slice.at : NULL, slice.len);
}

static void fill_target(struct exchange *x) {
  struct target target;
  if (!target_split(x->pub.method_text, x->pub.target, &target)) {
    exchange_refuse(x, 400, "the request target is not a path, an http URL or, for OPTIONS, \"*\"");
    return;
  }
  if (target.authority.len && x->pub.host.len && !str_ieq(target.authority, x->pub.host))
    exchange_refuse(x, 400, "the request target and the \"Host\" header name two hosts");
  else if (target.authority.len)
    x->pub.host = target.authority;
  x->pub.query = target.query;
  x->pub.path = target.path;
  if (memchr(target.path.ptr, '%', target.path.len) && !target_decode(target.path, wire.path, &x->pub.path)) {
    x->pub.path = bp_str_make(NULL, 0);
    exchange_refuse(x, 400, "the path holds a bad escape, a control character or text that is not UTF-8");
  }
}

static bool persists(const struct head *head) {
  return !head->says_close && (!head->is_http10 || head->says_keep_alive) && !head->error_status;
}

void exchange_fill(struct exchange *x, const struct head *head, const char *data) {
  struct http_exchange *pub = &x->pub;
  wire.borrowed = x;
  wire.borrowed_head = bp_str_make(data, head->at);
  for (uint32_t i = 0; i < head->field_count; i++) {
    wire.headers[i].name = slice_of(data, head->fields[i].name);
    wire.headers[i].value = slice_of(data, head->fields[i].value);
    pub->header_lengths |= header_length_bit(head->fields[i].name.len);
  }
  pub->headers = wire.headers;
  pub->header_count = head->field_count;
  pub->host = slice_of(data, head->host);
  pub->content_length = head->content_length;
  pub->is_chunked = head->has_transfer_encoding;
  pub->has_body = head->has_transfer_encoding || head->content_length > 0;
  pub->is_http10 = head->is_http10;
  pub->keep_alive = persists(head);
  if (!head->has_request_line)
    return;
  pub->method_text = slice_of(data, head->method);
  pub->method = method_of(pub->method_text);
  pub->target = slice_of(data, head->target);
  fill_target(x);
}

bool exchange_find_header(const struct http_exchange *x, bp_str name, bp_str *ret) {
  for (uint32_t i = 0; i < x->header_count; i++) {
    if (!str_ieq(x->headers[i].name, name))
      continue;
    *ret = x->headers[i].value;
    return true;
  }
  return false;
}

unsigned exchange_count_headers(const struct http_exchange *x, bp_str name) {
  unsigned count = 0;
  for (uint32_t i = 0; i < x->header_count; i++)
    count += str_ieq(x->headers[i].name, name);
  return count;
}

/* ---- Keeping its strings ---- */

struct move {
  bp_str from;
  const char *to;
};

/* Where a string lies after the move; one that is in neither place is a literal and stays. */
static bp_str moved(const struct move *moves, bp_str s) {
  for (int i = 0; i < 2; i++)
    if (s.ptr && s.ptr >= moves[i].from.ptr && s.ptr < moves[i].from.ptr + moves[i].from.len)
      return bp_str_make(moves[i].to + (s.ptr - moves[i].from.ptr), s.len);
  return s;
}

static void hold(struct exchange *x) {
  struct http_exchange *pub = &x->pub;
  bp_str head = wire.borrowed_head;
  bool is_decoded = pub->path.ptr == wire.path;
  size_t table_bytes = pub->header_count * sizeof(struct http_header);
  size_t path_bytes = is_decoded ? pub->path.len : 0;
  char *room = buf_reserve(&x->held, table_bytes + head.len + path_bytes);
  if (!room) {
    pub->connection->is_failed = true;
    return;
  }
  x->held.len = table_bytes + head.len + path_bytes;
  struct http_header *headers = (struct http_header *)(void *)room;
  const struct move moves[2] = {{head, room + table_bytes}, {bp_str_make(wire.path, path_bytes), room + table_bytes + head.len}};
  memcpy(room + table_bytes, head.ptr, head.len);
  memcpy(room + table_bytes + head.len, wire.path, path_bytes);
  for (uint32_t i = 0; i < pub->header_count; i++)
    headers[i] = (struct http_header){moved(moves, pub->headers[i].name), moved(moves, pub->headers[i].value)};
  pub->headers = headers;
  pub->method_text = moved(moves, pub->method_text);
  pub->target = moved(moves, pub->target);
  pub->path = moved(moves, pub->path);
  pub->query = moved(moves, pub->query);
  pub->host = moved(moves, pub->host);
}

void exchange_keep_borrowed(void) {
  struct exchange *x = wire.borrowed;
  wire.borrowed = NULL;
  if (x && !x->is_told)
    hold(x);
}

void exchange_hold(struct http_exchange *pub) {
  LOOP_MAIN();
  if (!pub->inner && wire.borrowed == exchange_of(pub))
    exchange_keep_borrowed();
}

/* A path that holds one has been decoded, so that it lies in room of ours. */
void exchange_plain_slashes(struct http_exchange *x) {
  char *path = (char *)(uintptr_t)x->path.ptr;
  for (char *at = path; at && (at = memchr(at, TARGET_SLASH, x->path.len - (size_t)(at - path)));)
    *at = '/';
}

/* ---- Errors and ends ---- */

void exchange_mark(struct exchange *x) {
  x->pub.connection->needs_settling = true;
  connection_touch(x->pub.connection);
}

void exchange_refuse(struct exchange *x, unsigned status, const char *text) {
  if (x->error_status)
    return;
  x->error_status = (uint16_t)status;
  x->error_text = text;
  exchange_mark(x);
}

/* A reply that has begun cannot be taken back: the connection breaks off instead. */
static void tell_error(struct exchange *x) {
  struct http_connection *c = x->pub.connection;
  unsigned status = x->error_status;
  x->error_status = 0;
  x->pub.keep_alive = false;
  c->is_deaf = true;
  c->lingers = true;
  if (c->reading == x)
    c->reading = NULL;
  if (x->pub.is_replied) {
    c->is_failed |= !x->is_complete;
    return;
  }
  wire.counters.wire_errors++;
  x->is_announced = true;
  wire.handler->wire_error(&x->pub, status, str_from(x->error_text));
  if (!x->pub.is_replied)
    exchange_reply(&x->pub, status, BP_LIT("text/plain"), str_from(x->error_text));
}

static void settle_one(struct exchange *x) {
  if (x->error_status)
    tell_error(x);
  if (!x->is_complete || x->is_told)
    return;
  x->is_told = true;
  if (x->is_announced)
    wire.handler->finished(&x->pub);
}

/* Takes exchanges that are through off the front; the next one's reply may leave then. */
static void drop_told(struct http_connection *c) {
  while (c->first && c->first->is_told && c->reading != c->first) {
    struct exchange *x = c->first;
    c->first = x->next;
    if (!c->first)
      c->last = NULL;
    c->exchange_count--;
    exchange_free(x);
    if (!c->first)
      return;
    output_splice(&c->out, &c->first->out);
    body_continue(c->first);
  }
}

void exchanges_settle(struct http_connection *c) {
  while (c->needs_settling && !c->is_failed) {
    c->needs_settling = false;
    for (struct exchange *x = c->first; x; x = x->next)
      settle_one(x);
    drop_told(c);
  }
}
