/* The reply half of the exchange API: status lines, headers, whole replies, files and streams. */
#include "base/log.h"
#include "base/str.h"
#include "http/reason.h"
#include "http/wire.h"
#include "loop/loop.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* From here on a body is written where it lies instead of being copied first. */
#define BODY_COPY_BYTES_MAX (16 * 1024)
/* A stream is written at once when so much waits. */
#define STREAM_FLUSH_BYTES (64 * 1024)
/* Status line, Date, Content-Length, Connection and line ends, without what the caller gives. */
#define HEAD_BYTES_MAX 320

/* FRAMING_TAKEN: what follows is the taker's affair, and ends with the connection; clients of event streams know it as "keep-alive". */
enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_TAKEN };

static bp_str reason_of(unsigned status) {
  const char *reason = http_reason(status);
  return str_from(reason ? reason : "Unknown");
}

/* "Date: …\r\n", made once a second. */
static bp_str date_line(void) {
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static char line[] = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  static int64_t made_ms = -1000;
  int64_t now_ms = loop_now_ms();
  if (now_ms - made_ms < 1000 && made_ms <= now_ms)
    return bp_str_make(line, sizeof(line) - 1);
  struct timespec now;
  struct tm tm;
  clock_gettime(CLOCK_REALTIME, &now);
  made_ms = now_ms - now.tv_nsec / 1000000;
  gmtime_r(&now.tv_sec, &tm);
  const int numbers[] = {tm.tm_mday, (tm.tm_year + 1900) / 100, tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec};
  static const uint8_t places[] = {11, 18, 20, 23, 26, 29};
  for (int i = 0; i < 6; i++) {
    line[places[i]] = (char)('0' + numbers[i] / 10);
    line[places[i] + 1] = (char)('0' + numbers[i] % 10);
  }
  memcpy(line + 6, days + tm.tm_wday * 3, 3);
  memcpy(line + 14, months + tm.tm_mon * 3, 3);
  return bp_str_make(line, sizeof(line) - 1);
}

/* ---- Where reply bytes go ---- */

/* In its connection's turn, with nothing parked before it, a reply is gathered for the turn's one write. */
static bool is_gathered(const struct exchange *x) {
  const struct http_connection *c = x->pub.connection;
  return wire.current == c && c->first == x && !c->out.head;
}

static void fail_connection(struct exchange *x) {
  x->pub.connection->is_failed = true;
  connection_touch(x->pub.connection);
}

static struct output *output_of(struct exchange *x) {
  struct http_connection *c = x->pub.connection;
  return c->first == x ? &c->out : &x->out;
}

void exchange_emit(struct exchange *x, bp_str bytes) {
  if (is_gathered(x))
    buf_append_str(&wire.gather, bytes);
  else if (!output_append(output_of(x), bytes.ptr, bytes.len))
    fail_connection(x);
}

/* ---- Heads ---- */

static char *put(char *at, bp_str s) {
  memcpy(at, s.ptr, s.len);
  return at + s.len;
}

static char *put_number(char *at, uint64_t value) {
  char digits[20];
  size_t first = sizeof(digits);
  do {
    digits[--first] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  return put(at, bp_str_make(digits + first, sizeof(digits) - first));
}

static char *put_status(char *at, unsigned status) {
  at = put_number(put(at, BP_LIT("HTTP/1.1 ")), status);
  *at++ = ' ';
  return put(put(at, reason_of(status)), BP_LIT("\r\n"));
}

static char *put_connection(char *at, const struct exchange *x, unsigned status, enum framing framing) {
  if (status == 101)
    return put(at, BP_LIT("Connection: Upgrade\r\n"));
  if (framing == FRAMING_TAKEN && !x->pub.is_http10)
    return put(at, BP_LIT("Connection: keep-alive\r\n"));
  if (!x->pub.keep_alive)
    return put(at, BP_LIT("Connection: close\r\n"));
  return x->pub.is_http10 ? put(at, BP_LIT("Connection: keep-alive\r\n")) : at;
}

static char *put_framing(char *at, enum framing framing, uint64_t length) {
  if (framing == FRAMING_CHUNKED)
    return put(at, BP_LIT("Transfer-Encoding: chunked\r\n"));
  if (framing == FRAMING_LENGTH)
    at = put(put_number(put(at, BP_LIT("Content-Length: ")), length), BP_LIT("\r\n"));
  return at;
}

static void emit_head(struct exchange *x, unsigned status, bp_str content_type, enum framing framing, uint64_t length) {
  struct buf *b = is_gathered(x) ? &wire.gather : &wire.staging;
  if (b == &wire.staging)
    buf_clear(b);
  char *start = buf_reserve(b, HEAD_BYTES_MAX + content_type.len + x->extra.len);
  if (!start || x->extra.failed) {
    fail_connection(x);
    return;
  }
  char *at = put(put_status(start, status), date_line());
  if (content_type.len)
    at = put(put(put(at, BP_LIT("Content-Type: ")), content_type), BP_LIT("\r\n"));
  at = put_connection(put_framing(at, framing, length), x, status, framing);
  if (x->extra.len)
    at = put(at, buf_str(&x->extra));
  at = put(at, BP_LIT("\r\n"));
  b->len += (size_t)(at - start);
  if (b == &wire.staging)
    exchange_emit(x, buf_str(b));
}

/* Names that are the wire's own are left out. */
static bool is_wires_own(bp_str name) {
  static const bp_str own[] = {BP_STR("connection"), BP_STR("content-length"), BP_STR("date"), BP_STR("transfer-encoding")};
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
    if (str_ieq(name, own[i]))
      return true;
  return false;
}

void exchange_header_add(struct http_exchange *pub, bp_str name, bp_str value) {
  LOOP_MAIN();
  if (pub->inner)
    return;
  struct buf *extra = &exchange_of(pub)->extra;
  if (is_wires_own(name))
    return;
  buf_append_str(extra, name);
  buf_append(extra, ": ", 2);
  buf_append_str(extra, value);
  buf_append(extra, "\r\n", 2);
}

/* ---- Replies ---- */

/* False if there is nobody to reply to, or it has been done. */
static bool begin(struct exchange *x, unsigned status, bool closes) {
  struct http_connection *c = x->pub.connection;
  LOOP_MAIN();
  if (x->pub.is_replied || x->is_told || c->is_failed)
    return false;
  x->is_bodiless = x->pub.method == HTTP_HEAD || status == 204 || status == 304;
  if (closes || (c->last == x && (c->is_deaf || wire_is_stopping())))
    x->pub.keep_alive = false;
  body_abandon(x);
  x->pub.is_replied = true;
  return true;
}

static void end(struct exchange *x) {
  x->is_complete = true;
  if (!x->pub.keep_alive && x->pub.connection->reading != x)
    x->pub.connection->is_deaf = true;
  exchange_mark(x);
}

/* 204 and 304 say nothing about a length (RFC 9110 8.6). */
static enum framing length_framing(unsigned status) {
  return status == 204 || status == 304 ? FRAMING_NONE : FRAMING_LENGTH;
}

void exchange_reply(struct http_exchange *pub, unsigned status, bp_str content_type, bp_str body) {
  if (pub->inner) {
    pub->inner->reply(pub, status, content_type, body);
    return;
  }
  struct exchange *x = exchange_of(pub);
  if (!begin(x, status, false))
    return;
  emit_head(x, status, content_type, length_framing(status), body.len);
  if (!x->is_bodiless && body.len) {
    if (body.len > BODY_COPY_BYTES_MAX && is_gathered(x))
      connection_flush(pub->connection, body);
    else
      exchange_emit(x, body);
  }
  end(x);
}

static void refuse_inner(struct http_exchange *pub) {
  pub->inner->reply(pub, 501, BP_LIT("text/plain; charset=utf-8"), BP_LIT("this answer is no single text: ask for it over HTTP"));
}

void exchange_reply_file(struct http_exchange *pub, unsigned status, bp_str content_type, int fd, off_t offset, uint64_t length) {
  if (pub->inner) {
    close(fd);
    refuse_inner(pub);
    return;
  }
  struct exchange *x = exchange_of(pub);
  if (!begin(x, status, false)) {
    close(fd);
    return;
  }
  emit_head(x, status, content_type, length_framing(status), length);
  if (x->is_bodiless)
    close(fd);
  else if (!output_append_file(output_of(x), fd, offset, length))
    fail_connection(x);
  end(x);
}

void exchange_stream_begin(struct http_exchange *pub, unsigned status, bp_str content_type, void (*drained)(struct http_exchange *x)) {
  if (pub->inner) {
    refuse_inner(pub);
    return;
  }
  struct exchange *x = exchange_of(pub);
  if (!begin(x, status, pub->is_http10))
    return;
  x->is_chunked_reply = !pub->is_http10 && !x->is_bodiless;
  emit_head(x, status, content_type, x->is_chunked_reply ? FRAMING_CHUNKED : FRAMING_CLOSE, 0);
  x->is_streaming = true;
  x->drained = drained;
  x->wants_drained = true;
  connection_touch(pub->connection);
}

static char *put_chunk_size(char *at, size_t size) {
  static const char digits[] = "0123456789abcdef";
  int shift = 60;
  while (shift > 0 && !(size >> shift))
    shift -= 4;
  for (; shift >= 0; shift -= 4)
    *at++ = digits[size >> shift & 15];
  return put(at, BP_LIT("\r\n"));
}

bool exchange_stream_write(struct http_exchange *pub, bp_str bytes) {
  LOOP_MAIN();
  if (pub->inner)
    return false;
  struct exchange *x = exchange_of(pub);
  struct http_connection *c = pub->connection;
  if (!x->is_streaming || c->is_failed)
    return false;
  if (bytes.len == 0 || x->is_bodiless)
    return true;
  if (x->is_chunked_reply) {
    char size[20];
    exchange_emit(x, bp_str_make(size, (size_t)(put_chunk_size(size, bytes.len) - size)));
  }
  exchange_emit(x, bytes);
  if (x->is_chunked_reply)
    exchange_emit(x, BP_LIT("\r\n"));
  x->wants_drained = true;
  connection_touch(c);
  if (c->first == x && exchange_stream_buffered(pub) > STREAM_FLUSH_BYTES)
    connection_flush(c, bp_str_make(NULL, 0));
  return !c->is_failed;
}

uint64_t exchange_stream_buffered(const struct http_exchange *pub) {
  if (pub->inner)
    return 0;
  const struct exchange *x = exchange_of(pub);
  const struct http_connection *c = pub->connection;
  uint64_t gathered = wire.current == c && c->first == x ? wire.gather.len : 0;
  return gathered + (c->first == x ? c->out.bytes : x->out.bytes);
}

void exchange_stream_end(struct http_exchange *pub) {
  LOOP_MAIN();
  if (pub->inner)
    return;
  struct exchange *x = exchange_of(pub);
  if (!x->is_streaming)
    return;
  x->is_streaming = false;
  if (x->is_chunked_reply)
    exchange_emit(x, BP_LIT("0\r\n\r\n"));
  end(x);
}

struct http_raw *exchange_takeover(struct http_exchange *pub, unsigned status, bp_str content_type, const struct http_raw_events *events,
                                   void *owner) {
  if (pub->inner) {
    refuse_inner(pub);
    return NULL;
  }
  struct exchange *x = exchange_of(pub);
  struct http_connection *c = pub->connection;
  if (!begin(x, status, true))
    return NULL;
  emit_head(x, status, content_type, FRAMING_TAKEN, 0);
  c->is_taken = true;
  stop_forget(c);
  c->raw_events = events;
  c->raw_owner = owner;
  c->reading = NULL;
  end(x);
  return (struct http_raw *)c;
}
