/* Counters; see counters.h. Relaxed: they are sums for people. */
#include "store/counters.h"
#include "store/writer.h"

static struct {
  atomic_ullong units, batches, reads, failed, commit_ns, live_rows;
  atomic_uint largest_batch;
} sums;

static void add(atomic_ullong *sum, uint64_t value) {
  atomic_fetch_add_explicit(sum, value, memory_order_relaxed);
}

void counters_add_commit(int64_t ns) {
  add(&sums.commit_ns, (uint64_t)ns);
}

void counters_add_batch(const struct batch *b) {
  uint32_t failed = 0;
  for (const struct unit *u = b->first_unit; u; u = u->next)
    failed += u->status != BP_OK;
  add(&sums.units, b->unit_count);
  add(&sums.failed, failed);
  add(&sums.batches, 1);
  add(&sums.live_rows, b->row_count);
  if (b->unit_count > atomic_load_explicit(&sums.largest_batch, memory_order_relaxed))
    atomic_store_explicit(&sums.largest_batch, b->unit_count, memory_order_relaxed);
}

void counters_add_read(void) {
  add(&sums.reads, 1);
}

void store_counters(struct store_counters *ret) {
  *ret = (struct store_counters){
      .units = atomic_load(&sums.units),
      .batches = atomic_load(&sums.batches),
      .reads = atomic_load(&sums.reads),
      .failed = atomic_load(&sums.failed),
      .commit_ns_total = atomic_load(&sums.commit_ns),
      .live_rows = atomic_load(&sums.live_rows),
      .queued = writer_queued(),
      .largest_batch = atomic_load(&sums.largest_batch),
  };
}
