/* One group commit: units run in one transaction, their events numbered and inserted, one COMMIT, one way back to main.
 *
 * First all units run without savepoints. A unit that fails after it has changed something makes the batch run again with a
 * savepoint around each unit; where SQLite itself ended the transaction, or COMMIT met a deferred constraint, every unit runs
 * alone. So one unit's failure is its own, and the common case pays for none of it. */
#ifndef HOST_STORE_BATCH_H
#define HOST_STORE_BATCH_H

#include "store/completion.h"
#include "store/unit.h"

#define BATCH_LIMIT_UNITS 512u
#define BATCH_LIMIT_BYTES (4u * 1024 * 1024)
#define BATCH_LIMIT_AGE_NS 5000000
/* A unit's own budget on the writer thread. */
#define BATCH_LIMIT_UNIT_NS INT64_C(5000000000)

struct batch {
  struct completion completion;
  struct unit *first_unit, **last_unit;
  uint32_t unit_count;
  size_t bytes;
  /* The numbers [first, first + row_count) were taken for these rows. */
  uint64_t first;
  uint32_t row_count;
  struct live_row *rows; /* strings are the units' */
};

/* The writer thread's connection and statements. */
struct batch_writer {
  struct database db;
  bool in_transaction; /* by our own account, whatever the units did */
  sqlite3_stmt *begin, *commit, *rollback, *save, *release, *undo, *insert_event;
  int64_t unit_deadline_ns;
  /* Next units to take along, or NULL. */
  struct unit *(*more)(void);
  /* Both before the batch is posted: whoever hears of a failure finds the store as the failure left it. */
  void (*committed)(const struct batch *b);
  void (*store_failed)(int rc); /* the store could not be written; SQLite's code */
};

bp_status batch_writer_open(struct batch_writer *w, const char *path, bp_error *err);
void batch_writer_close(struct batch_writer *w);

struct batch *batch_new(void);
void batch_add(struct batch *b, struct unit *u);
/* Runs, commits and posts the batch. */
void batch_run(struct batch_writer *w, struct batch *b);

/* For background work on the same connection: one transaction of its own. Codes are SQLite's. */
int batch_begin(struct batch_writer *w);
/* COMMIT, or ROLLBACK where `rc` is a failure. */
int batch_end(struct batch_writer *w, int rc);

#endif
