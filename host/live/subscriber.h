/* A client that watches a view: first what it missed, as fast as its socket takes it, then every flush of its audience. A
 * laggard is cut and may come again from where it was. */
#ifndef HOST_LIVE_SUBSCRIBER_H
#define HOST_LIVE_SUBSCRIBER_H

#include "live/outlet.h"
#include "live/view.h"

struct catchup;

struct subscriber {
  struct audience *audience; /* NULL: it left */
  struct outlet *out;
  struct catchup *catchup; /* NULL once it is live */
  uint32_t place;          /* among its audience's members, or those catching up */
  /* Says farewell and closes: the host or plugin goes, or (is_laggard) it did not keep up. */
  void (*end)(struct subscriber *s, bool is_laggard);
};

/* Joins the audience (which counts it already) from a position; BP_LIVE_FROM_NOW for none. `out` is open, `s->end` set. */
void subscriber_join(struct subscriber *s, struct audience *audience, struct outlet *out, uint64_t from);
/* The outlet has nothing waiting any more. */
void subscriber_drained(struct subscriber *s);
/* Leaves the audience; nothing is sent any more. Safe to repeat. */
void subscriber_leave(struct subscriber *s);
/* Leaves and says farewell: its view is gone. */
void subscriber_dismiss(struct subscriber *s);

/* Sends an audience's frames to its members. */
void subscribers_send(struct audience *audience);
/* After a flush: those who waited for it go on. */
void subscribers_flushed(void);

struct subscriber_counts {
  uint64_t deliveries, cut;
};
extern struct subscriber_counts subscriber_counts;

#endif
