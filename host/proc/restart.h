/* When a child that has ended starts again: back-off from 0.1 s to 30 s with jitter, broken after 5 ends in a minute. */
#ifndef HOST_PROC_RESTART_H
#define HOST_PROC_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_BROKEN_AFTER 5u

struct restart {
  int64_t ends_ms[RESTART_BROKEN_AFTER]; /* the last ones, the oldest overwritten */
  unsigned end_count;
  unsigned delays; /* doubled so often */
};

/* Notes an end. True if the child starts again, after *ret_delay_ms. `has_failed`: a status other than 0, a signal, or no
 * start; `ran_ms`: how long it ran. */
bool restart_after(struct restart *restart, uint32_t policy, bool has_failed, int64_t now_ms, int64_t ran_ms, uint32_t *ret_delay_ms);

#endif
