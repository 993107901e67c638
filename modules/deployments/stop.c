/* Stopping, and what begins with it: restarting and deleting. What should run is stored before anything is done about it. */
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_stopped(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (operation_failed(op, outcome))
    return;
  event_updated(op->module, op->id, "stop", "stopped", NULL);
  operation_succeed(op);
}

static void removed(void *ctx, bp_status status, bp_str value, const bp_error *err) {
  (void)ctx;
  (void)status; /* a secret nobody can name any more */
  (void)value;
  (void)err;
}

static void on_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  struct deployments *d = op->module;
  char name[NAME_BYTES + 32];
  if (operation_failed(op, outcome))
    return;
  struct running *running = running_find(d, op->id);
  if (running)
    running_drop(d, running);
  if (op->row.env_key[0])
    d->secret->remove(d->self, BP_LIT("deployment"), str_z(op->row.env_key), removed, NULL);
  d->supervisor->forget(d, op->id, row_process_name(&op->row, name));
  event_deleted(d, op->id);
  operation_succeed(op);
}

void stop_ended(struct operation *op) {
  const bp_db_value values[] = {db_integer(op->id), db_text(BP_LIT("stopped"))};
  struct running *running = running_find(op->module, op->id);
  if (running)
    running->operation = NULL;
  if (op->kind == OPERATION_DELETE) {
    const bp_db_step steps[] = {db_exec(DELETE_ENTRY, values, 1), db_publish(BP_LIT("deployments.deleted"), BP_LIT(""), 0)};
    operation_write(op, steps, 2, on_deleted);
  } else if (op->kind == OPERATION_STOP) {
    const bp_db_step steps[] = {db_exec(SET_STATE, values, 2), db_publish(BP_LIT("deployments.updated"), BP_LIT(""), 0)};
    operation_write(op, steps, 2, on_stopped);
  } else {
    start_cleared(op);
  }
}

static void on_wanted(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (operation_failed(op, outcome))
    return;
  struct running *running = running_find(op->module, op->id);
  if (!running || running->is_dead) {
    stop_ended(op);
    return;
  }
  running->operation = op;
  running->is_starting = false;
  op->module->supervisor->stop(running);
}

void stop_begin(struct operation *op) {
  const bp_db_value values[] = {db_integer(op->id), db_integer(op->kind == OPERATION_RESTART)};
  const bp_db_step step = db_exec(WANT_ENTRY, values, 2);
  operation_write(op, &step, 1, on_wanted);
}
