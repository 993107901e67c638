/* Finishing work on main; see delivery.h. */
#include "store/delivery.h"
#include "base/mem.h"
#include "base/slots.h"
#include "live/live.h"
#include "loader/events.h"
#include "loader/plugin.h"
#include "loop/loop.h"
#include "store/writer.h"

#include <stdlib.h>

static const bp_error no_error = BP_ERROR_INIT;
static const bp_error no_memory = {.size = sizeof(bp_error), .code = BP_E_NO_MEMORY, .message = "the write failed: out of memory"};
static struct slots results;

const struct result *result_of(bp_db_result handle) {
  return slots_get(&results, handle);
}

void deliver_outcome(struct program *p, const char *what, bp_db_done_fn done, void *ctx, const struct result *result, bp_db_outcome *outcome) {
  program_ended(p);
  outcome->size = sizeof(*outcome);
  if (!outcome->error)
    outcome->error = outcome->status == BP_OK ? &no_error : &no_memory;
  /* slots hold plain pointers; readers get it back as const */
  outcome->result = outcome->status == BP_OK ? slots_add(&results, (void *)(uintptr_t)result) : 0;
  struct culprit frame;
  culprit_enter(&frame, p->owner, what, bp_str_make(NULL, 0));
  done(ctx, outcome);
  culprit_leave(&frame);
  slots_remove(&results, outcome->result);
}

static void deliver_unit(struct unit *u) {
  bp_db_outcome outcome = {.status = u->status, .failed_step = u->failed_step, .sequence = u->sequence, .error = u->error};
  writer_release(u);
  deliver_outcome(u->program, "db write", u->done, u->ctx, &u->result, &outcome);
  unit_free(u);
}

void delivery_batch(struct completion *c) {
  LOOP_MAIN();
  struct batch *b = (struct batch *)c;
  if (b->row_count)
    live_deliver(b->first, b->row_count, b->rows, b->row_count);
  for (struct unit *u = b->first_unit; u;) {
    struct unit *next = u->next;
    deliver_unit(u);
    u = next;
  }
  free(b->rows);
  free(b);
}

struct notice {
  struct completion completion;
  uint64_t first;
  uint32_t count;
  bool is_readonly;
};

static void deliver_give_up(struct completion *c) {
  struct notice *n = (struct notice *)c;
  live_deliver(n->first, n->count, NULL, 0);
  free(n);
}

void delivery_give_up(uint64_t first, uint32_t count) {
  struct notice *n = mem_alloc(sizeof(*n));
  *n = (struct notice){.completion.deliver = deliver_give_up, .first = first, .count = count};
  completion_post(&n->completion);
}

static void deliver_announcement(struct completion *c) {
  struct notice *n = (struct notice *)c;
  bp_str payload = n->is_readonly ? BP_LIT("{\"readonly\":true}") : BP_LIT("{\"readonly\":false}");
  events_emit(BP_LIT("bp.store.readonly"), payload, NULL);
  free(n);
}

void delivery_announce(bool is_readonly) {
  struct notice *n = mem_alloc(sizeof(*n));
  *n = (struct notice){.completion.deliver = deliver_announcement, .is_readonly = is_readonly};
  completion_post(&n->completion);
}
