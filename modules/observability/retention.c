/* Old events and timeline nodes go, in small pieces, if the operator set retention_days. */
#include "observability.h"
#include "statements.h"

#define FIRST_PRUNE_MS (60 * 1000)
#define PRUNE_EVERY_MS (10 * 60 * 1000)

static void prune(void *ctx, bp_timer timer);

static void pruned(void *ctx, const bp_db_outcome *outcome) {
  struct observability *o = ctx;
  o->is_pruning = false;
  if (outcome->status == BP_OK && (o->db->changes(outcome->result, 0) > 0 || o->db->changes(outcome->result, 1) > 0))
    prune(o, 0); /* there may be more: the next piece goes to the end of the store's queue */
}

static void prune(void *ctx, bp_timer timer) {
  struct observability *o = ctx;
  (void)timer;
  if (o->is_pruning || o->retention_days == 0)
    return;
  int64_t oldest_ms = o->core->now_wall_ns() / 1000000 - o->retention_days * 24 * 3600 * 1000;
  bp_db_value before = db_integer(oldest_ms);
  const bp_db_step all[] = {db_exec(PRUNE_EVENTS, &before, 1), db_exec(PRUNE_NODES, &before, 1)};
  bp_array steps = BP_ARRAY(all);
  o->is_pruning = o->db->write(o->self, steps, pruned, o) == BP_OK;
}

void retention_start(struct observability *o) {
  bp_timer timer;
  if (o->retention_days > 0)
    o->loop->timer(o->self, FIRST_PRUNE_MS, PRUNE_EVERY_MS, prune, o, &timer);
}
