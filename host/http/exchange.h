/* One HTTP request and its reply: the seam between the wire (host/http) and everything above it (host/router, host/live).
 *
 * The wire parses and frames, strictly; it knows no route, no family and no JSON. Life of an exchange, all on main:
 *   handler->request   headers are complete. Reply now, or say how to take the body and reply later.
 *   handler->body      the whole body, if exchange_body_buffer was chosen.
 *   handler->gone      the client left, or the connection failed, before the reply was finished. Do not reply any more.
 *                      A client that only shut down its sending side still gets its reply (departed.h).
 *   handler->finished  always last, exactly once: drop what hangs on `user`.
 * Replies leave in request order; a request behind an unsafe one (not GET, HEAD, OPTIONS) on the same connection is not
 * handed up until that one has finished. */
#ifndef HOST_HTTP_EXCHANGE_H
#define HOST_HTTP_EXCHANGE_H

#include "auth/identity.h"
#include "base/frame.h"
#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

struct http_listener;
struct http_connection;

struct http_header {
  bp_str name;  /* as sent */
  bp_str value; /* trimmed */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

struct http_exchange;

/* An exchange without a wire: a call within the host (router/inner_call.h). It is told the reply; what has no whole reply (a file, a
 * stream, a takeover) comes as status 501. */
struct http_inner {
  void (*reply)(struct http_exchange *x, unsigned status, bp_str content_type, bp_str body);
};

struct http_exchange {
  const struct http_inner *inner; /* NULL for one of a connection */
  bp_str inner_body;              /* the whole body of an inner one */
  struct http_connection *connection;
  const struct http_listener *listener;
  enum http_method method;
  bp_str method_text;
  bp_str target; /* as sent */
  bp_str path;   /* percent-decoded once, begins with '/'; no control characters, valid UTF-8. "*" for OPTIONS * */
  bp_str query;  /* after '?', raw */
  bp_str host;   /* Host header's value (or the authority of an absolute target) */
  const struct http_header *headers;
  uint32_t header_count;
  uint32_t header_lengths; /* bit n: some header's name has n bytes; bit 31: or more */
  int64_t content_length;  /* -1: none given */
  bool is_chunked;
  bool has_body;
  bool is_http10;
  bool keep_alive;
  bool is_replied;          /* a reply has been finished or a stream, file or takeover begun */
  struct auth_identity who; /* filled by the auth gate */
  void *user;               /* the router's */
};

enum http_gone { HTTP_GONE_CLIENT, HTTP_GONE_TIMEOUT, HTTP_GONE_STOPPING };

struct http_handler {
  void (*request)(struct http_exchange *x);
  void (*body)(struct http_exchange *x, bp_str body);
  void (*gone)(struct http_exchange *x, enum http_gone why);
  void (*finished)(struct http_exchange *x);
  /* A framing, limit or time-out error the wire must answer itself: format the body in the family's shape with
   * exchange_reply. `text` is one sentence. The connection closes after it. May be called before `request`. */
  void (*wire_error)(struct http_exchange *x, unsigned status, bp_str text);
};
void http_set_handler(const struct http_handler *handler);

static inline uint32_t header_length_bit(size_t len) {
  return UINT32_C(1) << (len < 31 ? len : 31);
}

/* The search behind the two below, which spare it where no header's name is as long. */
bool exchange_find_header(const struct http_exchange *x, bp_str name, bp_str *ret);
unsigned exchange_count_headers(const struct http_exchange *x, bp_str name);
static inline bool exchange_may_have(const struct http_exchange *x, bp_str name) {
  return (x->header_lengths & header_length_bit(name.len)) != 0;
}

/* First header of that name (case-insensitive), or false. Most that are asked for are not there. */
static inline bool exchange_header(const struct http_exchange *x, const char *name, bp_str *ret) {
  bp_str wanted = bp_str_make(name, strlen(name));
  return exchange_may_have(x, wanted) && exchange_find_header(x, wanted, ret);
}

static inline unsigned exchange_header_count(const struct http_exchange *x, const char *name) {
  bp_str wanted = bp_str_make(name, strlen(name));
  return exchange_may_have(x, wanted) ? exchange_count_headers(x, wanted) : 0;
}

/* The path has been matched: its escaped slashes (TARGET_SLASH) become plain ones. */
void exchange_plain_slashes(struct http_exchange *x);
/* Keeps the request's strings valid after the current callback: called by whoever defers. They move; read them again. */
void exchange_hold(struct http_exchange *x);

/* ---- The body. Without one of these calls it is read and thrown away (up to 64 KiB; more closes the connection). ---- */

/* Collects the body (up to `limit` bytes, else 413 through wire_error) and calls handler->body; the bytes stay valid until
 * handler->finished. The choice between this and exchange_body_stream is made in handler->request. */
void exchange_body_buffer(struct http_exchange *x, uint64_t limit);
/* Accounts for body bytes that are kept in memory; false and nothing taken beyond http_limits.body_total_bytes of all requests. */
bool body_bytes_take(size_t bytes);
void body_bytes_give(size_t bytes);
struct http_body_sink {
  void (*chunk)(struct http_exchange *x, void *ctx, bp_str bytes);
  void (*end)(struct http_exchange *x, void *ctx);
};
/* Streams it. A failure comes as handler->gone or wire_error. */
void exchange_body_stream(struct http_exchange *x, uint64_t limit, const struct http_body_sink *sink, void *ctx);
void exchange_body_pause(struct http_exchange *x, bool pause);

/* ---- The reply ---- */

/* Adds a header; both strings are checked by the caller and copied. Date, Content-Length, Connection and framing are the
 * wire's, which leaves them out here. */
void exchange_header_add(struct http_exchange *x, bp_str name, bp_str value);
/* A whole reply. For HEAD the body is left out but counted. An empty content_type sends none. Copies. */
void exchange_reply(struct http_exchange *x, unsigned status, bp_str content_type, bp_str body);
/* A reply whose body is `length` bytes of `fd` from `offset`, by sendfile. The wire closes fd. */
void exchange_reply_file(struct http_exchange *x, unsigned status, bp_str content_type, int fd, off_t offset, uint64_t length);

/* A reply of unknown length. `drained` when nothing waits any more; `gone` comes through the handler. */
void exchange_stream_begin(struct http_exchange *x, unsigned status, bp_str content_type, void (*drained)(struct http_exchange *x));
/* Copies. False when the connection is gone. */
bool exchange_stream_write(struct http_exchange *x, bp_str bytes);
uint64_t exchange_stream_buffered(const struct http_exchange *x);
void exchange_stream_end(struct http_exchange *x);

/* ---- Taking the connection over (WebSocket, SSE) ---- */

struct http_raw; /* the connection after a takeover */
struct http_raw_events {
  void (*readable)(void *owner, bp_str bytes); /* borrowed */
  void (*writable)(void *owner);               /* asked for with raw_want_write */
  void (*closed)(void *owner);                 /* the raw handle is gone; not called after raw_close */
};
/* Sends status line, the headers added, and ends the exchange (handler->finished follows at once). The connection belongs
 * to `owner` from here; bytes that came early arrive through `readable` in a later tick. Close-delimited, no keep-alive.
 * Replies before it on the connection leave first. NULL if the connection is gone. */
struct http_raw *exchange_takeover(struct http_exchange *x, unsigned status, bp_str content_type, const struct http_raw_events *events, void *owner);
/* Tries to write now. Returns bytes taken (0 on EAGAIN), or -1 when the connection failed (`closed` follows in a later tick). */
ssize_t raw_write(struct http_raw *raw, const struct iovec *iov, int count);
/* For sends that are made elsewhere (bulk.h): the socket, good until `closed`, or -1 where only raw_write will do, because replies wait
 * before it or the connection has failed. */
int raw_socket(struct http_raw *raw);
/* Tells what that send gave, bytes or -errno; returns what raw_write would. */
ssize_t raw_sent(struct http_raw *raw, ssize_t result);
/* The same for many that took all they were given: the sum is all there is to tell. */
void raw_count_sent(uint64_t bytes);
void raw_want_write(struct http_raw *raw, bool want);
void raw_pause_read(struct http_raw *raw, bool pause);
/* Closes; with `linger` the output side is shut first and unread input drained for up to 2 s. */
void raw_close(struct http_raw *raw, bool linger);

#endif
