/* The insides of the wire, shared by the files of host/http and by nothing else: connections, exchanges, and what the loop
 * keeps once for all of them.
 *
 * The turn of a connection is one call of connection_work: settle what is finished, read requests, write, then decide what
 * to wait for. Only turns and deadlines destroy connections. Whatever a handler calls from elsewhere leaves marks on the
 * connection and asks for a turn at the end of the tick (connection_touch), so that replies of one tick leave in one write. */
#ifndef HOST_HTTP_WIRE_H
#define HOST_HTTP_WIRE_H

#include "base/buf.h"
#include "http/chunked.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/output.h"
#include "http/parser.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#define SCRATCH_BYTES (64 * 1024)
/* What nobody asked for is read so far, to keep the connection or to let the client see its answer. */
#define DISCARD_BYTES_MAX (64 * 1024)

enum body_mode { BODY_UNDECIDED, BODY_DISCARD, BODY_BUFFER, BODY_STREAM };

struct body {
  uint8_t mode; /* enum body_mode */
  bool is_paused;
  bool owes_continue;  /* the client waits for "100 Continue" */
  uint32_t discarded;  /* bytes read for nobody */
  uint64_t limit;      /* of BODY_BUFFER and BODY_STREAM */
  uint64_t received;   /* decoded */
  uint64_t rated_from; /* `received` at started_ms */
  int64_t started_ms;  /* when reading began or was resumed */
  int64_t last_ms;     /* when bytes came last */
  struct chunked chunks;
  struct buf bytes; /* BODY_BUFFER */
  const struct http_body_sink *sink;
  void *ctx;
};

struct exchange {
  struct http_exchange pub; /* first: what the handlers see */
  struct exchange *next;    /* the request after it on its connection */
  struct body body;
  struct output out; /* of the reply, while an earlier one is unfinished */
  struct buf held;   /* the request's strings after exchange_hold */
  struct buf extra;  /* header lines added */
  void (*drained)(struct http_exchange *x);
  const char *error_text;
  uint16_t error_status; /* an error to be told at the next turn */
  bool is_announced;     /* the handler has been told of it */
  bool is_streaming;     /* between exchange_stream_begin and _end */
  bool is_chunked_reply;
  bool is_bodiless;   /* HEAD, 204 or 304: nothing may follow the head */
  bool wants_drained; /* bytes were written since `drained` was called last */
  bool is_complete;   /* the reply has been handed over in whole */
  bool is_told;       /* handler->finished has been called */
};

/* What a connection waits for. Each list has one time-out and is in order of deadline (sweep.h). */
enum wait_list {
  WAIT_IDLE,    /* for a request */
  WAIT_HEAD,    /* for the rest of a head */
  WAIT_BODY,    /* for the rest of a body */
  WAIT_STALL,   /* for the client to read */
  WAIT_UNREAD,  /* for a handler, without reading: whether the client is still there is looked at from time to time */
  WAIT_LINGER,  /* for the client to see its last answer and close */
  WAIT_HANDLER, /* for a handler; no time-out here */
  WAIT_LISTS    /* in none */
};

struct http_connection {
  struct event event;
  struct http_connection *earlier, *later; /* in its wait list */
  struct http_connection *next_touched;
  int64_t deadline_ms;
  struct http_listener *listener;
  struct exchange *first, *last; /* in request order */
  struct exchange *reading;      /* the one whose body is being read, or NULL */
  struct head *head;             /* a head that has begun and not ended */
  struct buf in;                 /* bytes read and not yet understood */
  struct output out;
  const struct http_raw_events *raw_events; /* after a takeover */
  void *raw_owner;
  struct auth_peer peer;
  uint32_t dropped; /* bytes read and thrown away since it turned deaf */
  uint16_t exchange_count;
  short armed;     /* EV_* that `event` waits for */
  uint8_t list;    /* enum wait_list */
  bool is_awaited; /* a graceful stop waits for it */
  bool is_touched;
  bool is_dead;     /* freed when its touch comes up */
  bool is_stranger; /* not known to be our own user, and no request of it has been let in */
  bool is_eof;      /* the client's sending side is closed */
  bool is_deaf;     /* nothing more is read as a request */
  bool is_failed;
  bool lingers;      /* closes gently: unread input would make the kernel destroy the last answer */
  bool is_taken;     /* taken over; the exchange that did it may still be in the queue */
  bool is_abandoned; /* raw_close was called */
  bool raw_wants_write;
  bool raw_is_paused;
  bool needs_settling;
  bool is_blocked;     /* the socket took less than it was given */
  bool has_progressed; /* bytes were written in this turn */
  bool is_new_head;    /* a head began in this turn */
};

/* Once for the loop. */
struct wire {
  const struct http_handler *handler;
  struct http_connection *current; /* whose turn it is */
  struct exchange *borrowed;       /* its strings lie at borrowed_head and in `path` */
  bp_str borrowed_head;
  struct buf gather;  /* replies of this turn, not yet written */
  struct buf staging; /* a reply head made outside a turn */
  struct http_counters counters;
  uint32_t strangers;
  struct head head;
  struct http_header headers[HEAD_FIELDS_MAX];
  char path[SCRATCH_BYTES]; /* the decoded path of `borrowed` */
  char scratch[SCRATCH_BYTES];
};
extern struct wire wire;

/* connection.c */

/* Takes `fd` over. Without memory it is closed, and the result NULL. */
struct http_connection *connection_accept(struct http_listener *listener, int fd);
/* One turn; `bytes` follow what was understood so far. May free the connection. */
void connection_work(struct http_connection *c, bp_str bytes);
/* Asks for a turn at the end of the tick. */
void connection_touch(struct http_connection *c);
void connection_destroy(struct http_connection *c);
/* Tells everyone on it that it failed, and destroys it. */
void connection_fail(struct http_connection *c, enum http_gone why);
/* Writes what can be written now; `more` follows what is gathered. False when the connection has failed. */
bool connection_flush(struct http_connection *c, bp_str more);
static inline int connection_fd(const struct http_connection *c) {
  return event_get_fd(&c->event);
}

/* exchange.c */

/* Appends one to the connection's queue; NULL without memory. */
struct exchange *exchange_new(struct http_connection *c);
void exchange_free(struct exchange *x);
/* Fills the request's members from as much of a head as was understood; its bytes are at `data`. */
void exchange_fill(struct exchange *x, const struct head *head, const char *data);
/* Copies borrowed strings if their exchange lives on. */
void exchange_keep_borrowed(void);
/* Notes an error that the wire answers at the connection's next turn; the connection closes after it. */
void exchange_refuse(struct exchange *x, unsigned status, const char *text);
/* Tells errors and ends, and drops exchanges that are through. */
void exchanges_settle(struct http_connection *c);
/* The state of `x` changed: its connection needs to settle it. */
void exchange_mark(struct exchange *x);
bool exchange_is_safe(const struct exchange *x);

/* reply.c: sends bytes of the exchange when its turn comes. Copies. */
void exchange_emit(struct exchange *x, bp_str bytes);

static inline struct exchange *exchange_of(const struct http_exchange *x) {
  return (struct exchange *)(uintptr_t)x;
}

/* body.c */

void body_begin(struct exchange *x, bool expects_continue);
/* After handler->request: what was not asked for is thrown away; what is empty is complete at once. */
void body_decide(struct exchange *x);
/* Takes body bytes off the front. False when it needs more, is paused or failed. */
bool body_consume(struct http_connection *c, bp_str *bytes);
/* A reply is being made: forgets a body that is not worth reading to its end. */
void body_abandon(struct exchange *x);
/* Sends "100 Continue" if it is due and the exchange's turn to speak. */
void body_continue(struct exchange *x);

/* parked.c: sends what waits on these connections, linked by next_touched, as far as that is one piece each and they are many. */
void parked_send(struct http_connection *touched);

/* raw.c */

/* The socket takes bytes again: offers it to the owner if that asked for it. */
void raw_offer(struct http_connection *c);

/* listener.c */

struct http_listener *listener_ref(struct http_listener *listener);
void listener_unref(struct http_listener *listener);

/* stop.c */

bool wire_is_stopping(void);
/* Whether a graceful stop waits for this connection: until it is gone, lingers or was taken over. */
void stop_await(struct http_connection *c);
void stop_forget(struct http_connection *c);

#endif
