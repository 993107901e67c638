/* Views and their audiences: each event is rendered once per view, and each audience (one view, one protocol, one key) gets
 * the same bytes. Main thread only. Who is in an audience: subscriber.h. */
#ifndef HOST_LIVE_VIEW_H
#define HOST_LIVE_VIEW_H

#include "live/live.h"
#include "live/record.h"
#include "live/topics.h"

#define VIEW_TOPICS_MAX 64u

enum wire { WIRE_WS, WIRE_SSE };

struct frame;
struct view;
struct subscriber;
struct outlet;

/* Clients side by side in memory, since a flush goes through all of them. In no order; subscriber.c adds and removes. */
struct crowd {
  struct subscriber **subscribers;
  struct outlet **outlets; /* of each */
  uint32_t count, capacity;
};

struct audience {
  struct audience *next; /* of the same view */
  struct audience *next_busy;
  struct view *view;
  struct crowd members;  /* those who get everything as it comes */
  struct crowd catching; /* those still behind */
  struct frame **frames; /* of this flush */
  uint32_t frame_count, frame_capacity;
  uint32_t count; /* members and those catching up */
  enum wire wire;
  bool is_busy;
  bp_str key; /* empty: all */
};

/* The audience of a plugin's view; made on first use. NULL with BP_E_LIMIT or the like in *ret_status. */
struct audience *audience_of(struct plugin *owner, const bp_live_view *spec, enum wire wire, bp_str key, bp_status *ret_status);
/* The same for the host's own view of some topics (comma list; empty: all). */
struct audience *audience_of_host(bp_str topics, bp_status *ret_status);
/* The counterpart of `count++`: forgets the audience (and its view) with its last member. */
void audience_leave(struct audience *audience);
struct filter audience_filter(const struct audience *audience);

/* The frame of an event for an audience, with a reference for the caller; NULL if the view leaves it out. */
struct frame *audience_render(const struct audience *audience, const bp_live_event *event);
/* The same for a record, remembered until views_forget. */
struct frame *audience_render_record(const struct audience *audience, const struct record *record);

/* Renders a record for every audience with members; they are sent with views_flush. Returns the bytes rendered. */
size_t views_collect(const struct record *record);
/* Hands each audience's frames to `send` and drops them. */
void views_flush(void (*send)(struct audience *audience));
void audiences_each(void (*each)(struct audience *audience, void *ctx), void *ctx);
/* Drops remembered frames: at the end of a tick. */
void views_forget(void);
/* Clients that would see this topic. */
uint32_t views_listeners(bp_str topic);
void views_release(void);

struct view_counts {
  uint64_t frames; /* rendered */
};
extern struct view_counts view_counts;

#endif
