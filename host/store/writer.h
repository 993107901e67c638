/* The writer thread: a bounded queue of units from main, group commits, tasks that need the store for themselves, and work of its own when
 * nothing waits (search indexes, retention of the live log, checkpoints, probing a full disk). */
#ifndef HOST_STORE_WRITER_H
#define HOST_STORE_WRITER_H

#include "store/completion.h"
#include "store/unit.h"

#define WRITER_LIMIT_UNITS 8192u
#define WRITER_LIMIT_BYTES (128u * 1024 * 1024)

struct search_job;

/* Something that writes over a connection of its own: it runs between two batches, so that neither waits for the other's lock. */
struct writer_task {
  struct completion completion; /* delivered after `run` */
  void (*run)(struct writer_task *self);
  struct writer_task *next;
};

/* Opens the writer's connection and starts its thread. */
bp_status writer_start(const char *path, bp_error *err);
/* Background work may begin. */
void writer_ready(void);
/* Commits what is queued, checkpoints, closes and joins. */
void writer_stop(void);

/* Queues the unit; it reaches the thread at the end of the tick. BP_E_BUSY, BP_E_FULL, BP_E_STATE: it stays the caller's. Main. */
bp_status writer_submit(struct unit *u);
/* The unit no longer counts as queued. Main, once each. */
void writer_release(const struct unit *u);
/* Units not yet delivered. */
uint32_t writer_queued(void);
/* The thread looks after itself: programs were removed, or retention changed. [any] */
void writer_wake(void);
/* Completes the index up to now, then hands the job to the readers. Main. */
void writer_search(struct search_job *job);
/* Queues the task; units wait meanwhile. BP_E_STATE, when the writer is stopping: it stays the caller's. Main. */
bp_status writer_run(struct writer_task *task);

bool writer_is_readonly(void);
bool writer_is_stopping(void);

#endif
