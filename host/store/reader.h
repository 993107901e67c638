/* The read pool: two threads with connections of their own, started on first use, serving jobs in order.
 *
 * A job is whatever implements `run`: a plugin's queries (reads.h), a search, the live log, a backup, the quick check. */
#ifndef HOST_STORE_READER_H
#define HOST_STORE_READER_H

#include "store/completion.h"
#include "store/database.h"
#include "store/result.h"

#define READER_LIMIT_JOBS 1024u
#define READER_DEADLINE_MS 5000

struct reader {
  struct database db;
  sqlite3_stmt *begin, *end, *sequence;
};

struct read_job {
  struct completion completion; /* `deliver` is set by who makes the job; called on main once, whatever happened */
  struct read_job *next;
  /* On a reader thread, not called where status is already a failure. Sets status and error. */
  void (*run)(struct read_job *job, struct reader *r);
  int64_t deadline_ns;     /* monotonic; 0: none */
  struct program *program; /* one reference, or NULL for the host's own */
  uint32_t cancel_epoch;
  bp_status status;
  bp_error error;
};

void readers_open(const char *path);
/* Fails what waits with BP_E_CANCELLED, interrupts long work, joins. */
void readers_close(void);
/* Queues; `deliver` follows. BP_E_BUSY: the job stays the caller's. [any] */
bp_status reader_submit(struct read_job *job);
/* The same without the bound, for jobs that have been let in already. */
void reader_pass_on(struct read_job *job);
/* Jobs waiting or running. */
uint32_t readers_busy(void);
/* True once readers_close has begun: long work ends. On a reader thread. */
bool readers_are_stopping(void);
/* Threads drop what removed programs compiled. [any] */
void readers_wake(void);

/* Sets the job's failure from the connection's last error. */
void read_job_fail(struct read_job *job, struct reader *r, int rc, const char *what, const char *name);
/* Begins and ends a snapshot; *ret_sequence is the newest event it includes. */
bool reader_begin(struct reader *r, struct read_job *job, uint64_t *ret_sequence);
void reader_end(struct reader *r);

#endif
