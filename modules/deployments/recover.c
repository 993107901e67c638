/* After a start of the host: what ran before and still does is taken over, what should run and does not is started again. */
#include "deployments.h"
#include "statements.h"

static void recover_one(struct deployments *d, const struct row *row) {
  struct running *running = running_make(d, row->id);
  if (!running)
    return;
  running->port = row->port;
  running->restarts = row->restarts;
  running->started_ms = row->started_ms;
  running->was_adopted = true;
  if (d->supervisor->adopt(running, row)) {
    if (!row->wants_running)
      operation_add(d, OPERATION_STOP, row->id, 0, NULL); /* the host ended between the word and the deed */
    return;
  }
  running_drop(d, running);
  if (row->wants_running)
    operation_add(d, OPERATION_START, row->id, 0, NULL);
  else if (kit_same(str_z(row->status), "running"))
    supervisor_note(d, row->id, "stop", "stopped");
}

static void on_rows(void *ctx, const bp_db_outcome *outcome) {
  struct deployments *d = ctx;
  struct row row;
  if (outcome->status != BP_OK) {
    d->log->write(d->self, BP_LOG_ERROR, BP_LIT("the deployments could not be read: those that should run are not started"), (bp_array){NULL, 0, 0});
  }
  for (uint32_t i = 0; outcome->status == BP_OK && i < d->db->rows(outcome->result, 0); i++)
    if (row_read(d, outcome, 0, i, &row)) {
      recover_one(d, &row);
      row_release(&row);
    }
  if (d->is_draining)
    return;
  d->is_recovered = true;
  operations_begin(d);
}

void recover_begin(struct deployments *d) {
  if (d->is_recovering)
    return;
  d->is_recovering = true;
  const bp_db_query query = {.size = sizeof(query), .statement = ALL_ENTRIES, .max_rows = LIMIT_DEPLOYMENTS};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  d->db->read(d->self, all, 0, on_rows, d);
}
