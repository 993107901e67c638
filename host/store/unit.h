/* A unit of writes: a plugin's steps copied into one allocation on main, run on the writer thread, finished on main.
 *
 * Order of calls: unit_create [main] -> unit_run, unit_published [writer] -> unit_finish [main]. Does not live here: the queue,
 * batches and commits (writer.h). */
#ifndef HOST_STORE_UNIT_H
#define HOST_STORE_UNIT_H

#include "store/result.h"
#include "store/statements.h"
#include "store/store.h"

#define UNIT_LIMIT_STEPS 1024u
#define UNIT_LIMIT_PARAMS 65536u
#define UNIT_LIMIT_BYTES (64u * 1024 * 1024)
/* One published payload: a stored event of up to 16 MiB is told in full. */
#define UNIT_LIMIT_PAYLOAD_BYTES (32u * 1024 * 1024)

struct unit_param {
  uint32_t type, step;
  int64_t integer;
  double real;
  bp_str text;
};

struct unit_step {
  uint32_t kind, flags, when_step;
  uint32_t statement, expect;
  uint32_t first_param, param_count;
  uint32_t payload_step, payload_column;
  bool was_run; /* due and done: a PUBLISH step that was_run has its events inserted by the batch */
  bp_str topic, key, payload;
};

struct unit {
  struct unit *next;
  struct program *program; /* one reference */
  bp_db_done_fn done;
  void *ctx;
  uint32_t cancel_epoch;
  uint32_t step_count;
  size_t bytes; /* of the allocation, for the queue's bound */
  struct unit_step *steps;
  struct unit_param *params;
  /* Outcome */
  bp_status status;
  uint32_t failed_step;
  uint64_t sequence;
  struct result result;
  bp_error *error; /* made on failure only */
};

/* Checks and copies the steps. On success the unit holds a reference of `p`. */
bp_status unit_create(struct program *p, const bp_array *steps, bp_db_done_fn done, void *ctx, struct unit **ret, bp_error *err);

/* How a unit left the transaction it ran in. */
enum unit_end {
  UNIT_DONE,
  UNIT_CLEAN, /* failed, and changed nothing that is still there */
  UNIT_DIRTY, /* failed, and some of its changes are still there */
  UNIT_LOST,  /* failed, and SQLite ended the whole transaction */
  UNIT_STORE  /* the store cannot be written */
};
/* Runs all steps but publishing. */
enum unit_end unit_run(struct unit *u, struct database *d);
/* Appends the events of the unit's PUBLISH steps to `rows` (when not NULL) and returns how many there are. The strings are
 * borrowed from the unit. */
uint32_t unit_published(const struct unit *u, struct live_row *rows);
/* Makes the unit's status a failure; `err` NULL: the status speaks for itself. */
void unit_fail(struct unit *u, bp_status status, const bp_error *err);
/* Forgets what a rolled-back run has left behind. */
void unit_reset(struct unit *u);
/* True if its owner cancelled it after it was queued. */
bool unit_is_cancelled(const struct unit *u);
/* Frees the unit and its reference. */
void unit_free(struct unit *u);

#endif
