/* What was going on when the host ended without a word: turns, tool calls and questions that were under way, and processes that are
 * gone. Nobody can put their end any more, so they have failed. Nodes of this run of the host are left alone: the module may be
 * started anew while they go on. */
#include "observability.h"
#include "statements.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MOST 1000

/* When the host began to run, by the wall clock; 0 if that is not known. */
static int64_t began_ms(const struct observability *o) {
  int64_t ticks = process_fact_host_ticks();
  struct timespec now;
  if (ticks <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
    return 0;
  int64_t ran_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000 - ticks * 1000 / sysconf(_SC_CLK_TCK);
  return o->core->now_wall_ns() / 1000000 - ran_ms;
}

static void on_ended(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx, (void)outcome; /* told wrongly until the next start, where it fails */
}

static void end_process(struct observability *o, const bp_db_outcome *outcome, uint32_t row) {
  bp_db_value number = {.size = sizeof(number)}, pid = {.size = sizeof(pid)};
  o->db->value(outcome->result, 0, row, 0, &number);
  o->db->value(outcome->result, 0, row, 1, &pid);
  if (pid.integer <= 0 || pid.integer > INT32_MAX || kill((pid_t)pid.integer, 0) == 0 || errno != ESRCH)
    return;
  const bp_db_value values[] = {number, pid, db_integer(o->core->now_wall_ns() / 1000000)};
  const bp_db_step step = db_exec(END_PROCESS_NODE, values, 3);
  o->db->write(o->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_ended, o);
}

static void on_processes(void *ctx, const bp_db_outcome *outcome) {
  struct observability *o = ctx;
  for (uint32_t row = 0; outcome->status == BP_OK && row < o->db->rows(outcome->result, 0); row++)
    end_process(o, outcome, row);
}

void timeline_end_interrupted(struct observability *o) {
  const bp_db_value values[] = {db_integer(o->core->now_wall_ns() / 1000000), db_integer(began_ms(o))};
  const bp_db_step step = db_exec(END_INTERRUPTED_NODES, values, 2);
  const bp_db_query query = {
      .size = sizeof(query), .statement = RUNNING_PROCESS_NODES, .max_rows = PROCESSES_MOST, .params = {&values[1], 1, (uint32_t)sizeof(values[1])}};
  o->db->write(o->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_ended, o);
  o->db->read(o->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_processes, o);
}
