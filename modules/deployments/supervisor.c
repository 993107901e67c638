/* What a supervisor reports, turned into the state of a deployment: stored first, told afterwards. Whoever waits for it goes on. */
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Noting a change that no request waits for ---- */

struct note {
  struct deployments *module;
  int64_t id;
  const char *action, *status; /* literals */
};

static void on_noted(void *ctx, const bp_db_outcome *outcome) {
  struct note *note = ctx;
  if (outcome->status == BP_OK)
    event_updated(note->module, note->id, note->action, note->status, running_find(note->module, note->id));
  free(note);
}

static void note_write(struct deployments *d, struct note note, const bp_db_step *steps, uint32_t count) {
  struct note *copy = malloc(sizeof(*copy));
  bp_array all = {steps, count, (uint32_t)sizeof(*steps)};
  if (!copy)
    return;
  *copy = note;
  if (d->db->write(d->self, all, on_noted, copy) != BP_OK)
    free(copy); /* the next start of the host puts it right */
}

void supervisor_note(struct deployments *d, int64_t id, const char *action, const char *status) {
  const bp_db_value values[] = {db_integer(id), db_text(str_z(status))};
  const bp_db_step steps[] = {db_exec(SET_STATE, values, 2), db_publish(BP_LIT("deployments.updated"), BP_LIT(""), 0)};
  note_write(d, (struct note){d, id, action, status}, steps, 2);
}

static void note_online(struct running *running, const char *action) {
  struct deployments *d = running->module;
  const bp_db_value values[] = {db_integer(running->id), db_integer(running->pid), db_integer(running->started_ms), db_integer(running->restarts)};
  const bp_db_step steps[] = {db_exec(ONLINE_ENTRY, values, 4), db_publish(BP_LIT("deployments.updated"), BP_LIT(""), 0)};
  note_write(d, (struct note){d, running->id, action, "running"}, steps, 2);
}

/* ---- Reports ---- */

void supervisor_online(struct running *running, int64_t pid) {
  struct operation *op = running->operation;
  bool is_restart = running->pid == 0 && running->started_ms != 0 && !running->was_adopted;
  running->pid = pid;
  running->is_online = true;
  running->cpu_ticks = 0;
  running->sampled_ns = 0;
  if (!running->was_adopted || running->started_ms == 0)
    running->started_ms = running->module->core->now_wall_ns() / 1000000;
  if (op && (op->kind == OPERATION_START || op->kind == OPERATION_RESTART)) {
    start_online(op);
    return;
  }
  if (is_restart)
    running->restarts++;
  note_online(running, is_restart ? "restart" : "start");
}

void supervisor_output(struct running *running, unsigned stream, bp_str line) {
  logs_add(running, stream, line);
}

static void describe(const struct running *running, const struct ending *ending, char *text, size_t bytes) {
  char how[64];
  bp_str line = kit_telling_line(bp_str_make(running->last_words, running->last_words_len));
  if (ending->signal)
    snprintf(how, sizeof(how), "ended by signal %d", ending->signal);
  else
    snprintf(how, sizeof(how), "exited with code %d", ending->code);
  snprintf(text, bytes, line.len ? "the program %s; it said: %.*s" : "the program %s", how, line.len > 240 ? 240 : (int)line.len, line.ptr);
}

/* Nobody asked for it, and nobody starts it again. */
static void ended_alone(struct running *running, const struct ending *ending) {
  struct deployments *d = running->module;
  int64_t id = running->id;
  if (ending->is_unknown && !d->is_draining) {
    running_drop(d, running); /* its start options went with the earlier host: it is started anew */
    operation_add(d, OPERATION_START, id, 0, NULL);
    return;
  }
  bool has_failed = ending->code != 0 || ending->signal != 0;
  supervisor_note(d, id, has_failed ? "crash" : "exit", has_failed ? "error" : "stopped");
}

void supervisor_ended(struct running *running, const struct ending *ending) {
  struct operation *op = running->operation;
  bool is_being_started = op && running->is_starting;
  char why[MESSAGE_BYTES];
  describe(running, ending, why, sizeof(why));
  running->pid = 0;
  running->is_online = false;
  running->was_adopted = false;
  running->memory_bytes = 0;
  if (is_being_started && ending->will_restart) {
    running->is_failing = true;
    running->module->supervisor->stop(running);
    return;
  }
  if (ending->will_restart) {
    supervisor_note(running->module, running->id, "crash", "error");
    return;
  }
  running->is_dead = true;
  if (is_being_started)
    start_ended(op, why);
  else if (op)
    stop_ended(op);
  else
    ended_alone(running, ending);
}
