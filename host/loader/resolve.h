/* Who needs whom: checks every need against what the host and the other plugins offer, and puts all in start order.
 *
 * Pure: descriptors in, order and refusals out. Nothing is started here. */
#ifndef HOST_LOADER_RESOLVE_H
#define HOST_LOADER_RESOLVE_H

#include "base/buf.h"
#include <backplane/plugin.h>
#include <stdbool.h>

struct resolve_item {
  const bp_plugin_descriptor *descriptor; /* NULL: it could not even be opened; its dependants are refused */
  const char *path;
  bool is_running;    /* already started: it offers what it provides and is never refused */
  bool is_refused;    /* out */
  struct buf refusal; /* out: one message with every missing piece and the fix; owned by the caller */
};

/* Fills `order` with the indices of the items that may start, each after all it needs; among equals the given order stays.
 * Returns how many. */
unsigned resolve(struct resolve_item *items, unsigned count, unsigned *order);

/* True if `item` cannot run without `other`: a needed service, or the family of its routes. */
bool resolve_depends(const struct resolve_item *item, const struct resolve_item *other);

#endif
