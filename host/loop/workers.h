/* The worker pool: a few threads for file work, hashing and large parses. Small stacks (256 KiB); started on first use. */
#ifndef HOST_LOOP_WORKERS_H
#define HOST_LOOP_WORKERS_H

#include <stdbool.h>

struct work {
  void (*run)(struct work *work);                  /* on a worker */
  void (*done)(struct work *work, bool cancelled); /* on main, exactly once; cancelled: run was never called */
  const void *owner;                               /* for workers_cancel; a plugin, or NULL for the host's own */
  struct work *next;
};

/* Queues `work`; it must stay valid until `done`. Main thread. */
void workers_submit(struct work *work);
/* Cancels what waits with this owner; what runs goes on, and workers_pending tells when it is over. The `done` calls come in
 * later ticks. Main thread. */
void workers_cancel(const void *owner);
/* Work of this owner that waits, runs, or whose `done` has not been called. */
unsigned workers_pending(const void *owner);
/* Stops the threads, waiting for the running work; pending work is cancelled, and what is submitted meanwhile. Calls `done` of all of
 * it before it returns: what it belongs to may be released then. */
void workers_stop(void);

#endif
