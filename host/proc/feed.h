/* Output lines on their way to an ephemeral live topic: lines that come close together travel as one event,
 * {"stream": "stdout", "line": "one\ntwo"}, twenty times a second at most. */
#ifndef HOST_PROC_FEED_H
#define HOST_PROC_FEED_H

#include "base/buf.h"
#include <event2/event_struct.h>
#include <stdbool.h>

struct feed {
  bp_plugin owner;
  bp_str topic, key, stream; /* borrowed from the child's spec; an empty topic: nothing is published */
  struct buf text;
  int64_t sent_ms;
  struct event timer;
  void (*has_room)(void *ctx); /* a full feed has been sent */
  void *ctx;
};

void feed_init(struct feed *feed);
/* Adds a line. False when the feed is full: the caller stops reading until `has_room`. */
bool feed_add(struct feed *feed, bp_str line);
bool feed_is_full(const struct feed *feed);
/* Sends what waits and frees it. */
void feed_release(struct feed *feed);

#endif
