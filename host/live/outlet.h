/* The output side of a connection that was taken over: shared frames that wait for the socket, the beat of its timer, its end.
 *
 * Every WebSocket and event stream embeds one. It owns the raw connection and frees its owner through the kind's table.
 * Life: outlet_open … outlet_end or outlet_abort (or the peer leaves) … kind->gone, exactly once, in a later tick. */
#ifndef HOST_LIVE_OUTLET_H
#define HOST_LIVE_OUTLET_H

#include "base/frame.h"
#include "http/exchange.h"

#define OUTLET_BEYOND_MAX (64u << 10) /* bytes waiting behind the frame in flight, one subscriber */
#define OUTLETS_TOTAL_MAX (64u << 20) /* the same, all of them */
#define OUTLET_STALL_S 10u            /* without the peer reading; looked at every OUTLET_PULSE_S */
#define OUTLET_PULSE_S 5u
#define OUTLET_END_S 5u /* for the last bytes and the peer's farewell */

struct outlet;
struct outlet_kind {
  void (*readable)(struct outlet *o, bp_str bytes);
  void (*drained)(struct outlet *o);               /* nothing waits any more */
  void (*pulse)(struct outlet *o, uint32_t now_s); /* every few seconds */
  void (*stop)(struct outlet *o);                  /* the host stops: say farewell */
  void (*gone)(struct outlet *o);                  /* no more calls: free the owner */
};

struct outlet {
  struct http_raw *raw; /* NULL once it is over */
  int socket;           /* of `raw`, once no reply waits before the frames; -1 until that is known */
  uint32_t count;       /* of the frames waiting */
  bool wants_write : 1;
  bool is_dirty : 1;
  bool is_failed : 1; /* writing failed; `closed` follows */
  bool closes_when_drained : 1;
  uint32_t first, capacity;
  struct frame **waiting; /* NULL while nothing waits, &only, or allocated */
  struct frame *only;     /* room for one */
  uint32_t offset;        /* sent bytes of the first frame */
  uint32_t bytes;         /* of all frames waiting */
  uint32_t moved_s;       /* when the peer last took something */
  uint32_t beat_s;        /* when the kind last sent a sign of life */
  uint32_t ending_s;      /* when the end began; 0: it has not */
  const struct outlet_kind *kind;
  struct outlet *next, *previous; /* all open ones, or those about to be freed */
  struct outlet *next_dirty;
};

/* It will be looked at soon. */
static inline void outlet_prefetch(const struct outlet *o) {
  __builtin_prefetch(o);
  __builtin_prefetch(&o->kind);
}

/* Takes over the exchange. False: the connection is gone, nothing is called. */
bool outlet_open(struct outlet *o, const struct outlet_kind *kind, struct http_exchange *x, unsigned status, bp_str content_type);
/* Queues a frame (takes a reference; NULL is ignored); it leaves at the end of the tick. */
void outlet_queue(struct outlet *o, struct frame *frame);
/* Sends frames now, as far as the socket takes them; the rest waits. One write. */
void outlet_send(struct outlet *o, struct frame *const *frames, uint32_t count);
/* Writes what waits now. */
void outlet_flush(struct outlet *o);
/* The same in steps, for those who write to many (fanout.h). The first: the socket for frames with nothing before them, or for the
 * one frame that waits; -1 where only the calls above will do. */
int outlet_socket(struct outlet *o);
int outlet_socket_of_one(struct outlet *o, bp_str *ret_bytes);
/* What became of it, bytes or -errno. Calls nobody back. */
void outlet_sent(struct outlet *o, struct frame *const *frames, uint32_t count, ssize_t result);
void outlet_sent_one(struct outlet *o, ssize_t result);
/* After the second, once all is noted: closes what was to be closed and tells the kind that nothing waits. */
void outlet_settle(struct outlet *o);
uint64_t outlet_buffered(const struct outlet *o);
/* True when more waits than a subscriber may have. */
bool outlet_is_over_limit(const struct outlet *o);
/* Drops what waits, except a frame that is half sent. */
void outlet_drop_waiting(struct outlet *o);
/* No more frames will come: closes once everything has left; after OUTLET_END_S in any case. */
void outlet_end(struct outlet *o);
/* The owner says its own farewell and waits for the peer's; closes after OUTLET_END_S in any case. */
void outlet_end_by_deadline(struct outlet *o);
/* Closes at once. */
void outlet_abort(struct outlet *o);
/* Seconds on the coarse clock, never 0. */
uint32_t outlet_clock_s(void);

/* All outlets. */
void outlets_stop(void); /* kind->stop for each */
void outlets_abort(void);
uint32_t outlets_count(void);
/* Closes and frees all, now. */
void outlets_release(void);

#endif
