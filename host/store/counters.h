/* The store's counters: written by the store threads, read by main. */
#ifndef HOST_STORE_COUNTERS_H
#define HOST_STORE_COUNTERS_H

#include "store/batch.h"

void counters_add_commit(int64_t ns);
void counters_add_batch(const struct batch *b);
void counters_add_read(void);

#endif
