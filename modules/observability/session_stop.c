/* Stopping a session: its process ends first (TERM, grace, KILL), then the row says "stopped" and everybody is told.
 *
 * All who ask for one session while it is being stopped share that stop; asking again later is no error. Deleting a session
 * goes through here as well. Whether a process may be signalled at all is the host's decision (bp.proc/1). */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

/* Steps of the unit that marks the row, and the columns of SESSION_BY_ID. */
enum { STOP_STEP_MARK, STOP_STEP_PUBLISH, STOP_STEP_READ, STOP_STEP_COUNT };
enum { COLUMN_STATUS = 1, COLUMN_NAME = 2, COLUMN_PID = 3, COLUMN_PID_STARTED = 4 };

/* A session that is started again while it is being stopped gets so many stops in one. */
#define ROUNDS_MOST 3u

struct waiter {
  struct waiter *next;
  struct call *call;
  session_stopped_fn then;
};

struct stopping {
  struct stopping *next;
  struct observability *module;
  struct waiter *waiters;
  bp_db_value pid; /* of this round, or NULL */
  unsigned round;
  size_t id_len;
  char id[];
};

static void read_session(struct stopping *s);

static bp_str id_of(const struct stopping *s) {
  return bp_str_make(s->id, s->id_len);
}

static void unlink_stopping(const struct stopping *s) {
  struct stopping **at = &s->module->stoppings;
  while (*at != s)
    at = &(*at)->next;
  *at = s->next;
}

/* ---- The end, for all who wait ---- */

static void fail_all(struct stopping *s, const bp_db_outcome *outcome) {
  const struct observability *o = s->module;
  if (!s->waiters && outcome->status != BP_E_CANCELLED)
    o->log->write(o->self, BP_LOG_ERROR, BP_LIT("a session over its budget could not be stopped"), (bp_array){0});
  for (struct waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    kit_call_failed(w->call, outcome);
    free(w);
  }
  free(s);
}

static void end_not_found(struct stopping *s) {
  for (struct waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    kit_problem(s->module->http, w->call->kit.request, 404, BP_LIT("Session not found"));
    free(w->call);
    free(w);
  }
  free(s);
}

static void end_stopped(struct stopping *s, const bp_db_outcome *outcome, uint32_t step) {
  const struct stopped_session session = {.id = id_of(s),
                                          .name = db_column(s->module->db, outcome, step, 0, COLUMN_NAME),
                                          .status = db_column(s->module->db, outcome, step, 0, COLUMN_STATUS)};
  for (struct waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    w->then(w->call, &session);
    free(w);
  }
  free(s);
}

/* A refusal of the store's queue, in the form of an outcome. */
static void fail_with(struct stopping *s, bp_status status) {
  bp_error none = {.size = sizeof(none)};
  unlink_stopping(s);
  fail_all(s, &(bp_db_outcome){.size = sizeof(bp_db_outcome), .status = status, .error = &none});
}

/* ---- The row ---- */

static void on_marked(void *ctx, const bp_db_outcome *outcome) {
  struct stopping *s = ctx;
  if (outcome->status == BP_OK && s->round < ROUNDS_MOST &&
      kit_same(db_column(s->module->db, outcome, STOP_STEP_READ, 0, COLUMN_STATUS), "running")) {
    read_session(s); /* another process has taken the session up meanwhile */
    return;
  }
  unlink_stopping(s);
  if (outcome->status == BP_E_CONFLICT)
    end_not_found(s);
  else if (outcome->status != BP_OK)
    fail_all(s, outcome);
  else
    end_stopped(s, outcome, STOP_STEP_READ);
}

/* It was running when it was asked for, so it is stopped, also if it has said goodbye (session_stop) on the way. */
static void mark(struct stopping *s) {
  const struct observability *o = s->module;
  char now[TIMESTAMP_BYTES];
  bp_db_value params[] = {db_text(id_of(s)), db_text(timestamp_now(o, now)), s->pid};
  bp_db_step steps[STOP_STEP_COUNT] = {
      [STOP_STEP_MARK] = {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = STOP_SESSION, .params = {params, 3, sizeof(bp_db_value)}},
      [STOP_STEP_PUBLISH] = {.size = sizeof(bp_db_step),
                             .kind = BP_DB_PUBLISH,
                             .topic = BP_LIT("observability.session_updated"),
                             .key = id_of(s),
                             .payload_step = STOP_STEP_MARK},
      [STOP_STEP_READ] = {.size = sizeof(bp_db_step),
                          .kind = BP_DB_EXEC,
                          .statement = SESSION_BY_ID,
                          .expect = BP_DB_ONE,
                          .params = {params, 1, sizeof(bp_db_value)}},
  };
  bp_status status = o->db->write(o->self, (bp_array){steps, STOP_STEP_COUNT, sizeof(bp_db_step)}, on_marked, s);
  if (status != BP_OK)
    fail_with(s, status);
}

/* ---- The process ---- */

/* Or it never was there, or the module drains: then the store refuses the mark, and with it all who wait. */
static void on_process_gone(void *ctx, bp_status status) {
  struct stopping *s = ctx;
  const struct observability *o = s->module;
  if (status == BP_E_DENIED)
    o->log->write(o->self, BP_LOG_WARN, BP_LIT("a session's process may not be signalled: the session is only marked as stopped"), (bp_array){0});
  mark(s);
}

static bool stop_process(struct stopping *s, const bp_db_outcome *outcome) {
  const struct observability *o = s->module;
  bp_db_value started = {.size = sizeof(started)};
  o->db->value(outcome->result, 0, 0, COLUMN_PID, &s->pid);
  o->db->value(outcome->result, 0, 0, COLUMN_PID_STARTED, &started);
  return s->pid.type == BP_DB_INTEGER && started.type == BP_DB_INTEGER &&
         o->proc->stop_stranger(o->self, s->pid.integer, started.integer, (uint32_t)o->stop_grace_ms, on_process_gone, s) == BP_OK;
}

static void on_read(void *ctx, const bp_db_outcome *outcome) {
  struct stopping *s = ctx;
  if (outcome->status != BP_OK || s->module->db->rows(outcome->result, 0) == 0) {
    unlink_stopping(s);
    if (outcome->status == BP_OK)
      end_not_found(s);
    else
      fail_all(s, outcome);
  } else if (!kit_same(db_column(s->module->db, outcome, 0, 0, COLUMN_STATUS), "running")) {
    unlink_stopping(s);
    end_stopped(s, outcome, 0);
  } else if (!stop_process(s, outcome)) {
    mark(s);
  }
}

static void read_session(struct stopping *s) {
  const struct observability *o = s->module;
  bp_db_value id = db_text(id_of(s));
  bp_db_query query = {.size = sizeof(query), .statement = SESSION_BY_ID, .max_rows = 1, .params = {&id, 1, sizeof(id)}};
  s->round++;
  s->pid = db_null();
  bp_status status = o->db->read(o->self, (bp_array){&query, 1, sizeof(query)}, 0, on_read, s);
  if (status != BP_OK)
    fail_with(s, status);
}

/* ---- Asking ---- */

static struct stopping *find_stopping(const struct observability *o, bp_str id) {
  for (struct stopping *s = o->stoppings; s; s = s->next)
    if (s->id_len == id.len && memcmp(s->id, id.ptr, id.len) == 0)
      return s;
  return NULL;
}

static struct stopping *new_stopping(struct observability *o, bp_str id) {
  struct stopping *s = calloc(1, sizeof(*s) + id.len);
  if (!s)
    return NULL;
  s->module = o;
  s->id_len = id.len;
  memcpy(s->id, id.ptr, id.len);
  s->next = o->stoppings;
  o->stoppings = s;
  return s;
}

void session_stop_first(struct observability *o, bp_request request, session_stopped_fn then) {
  bp_str id = {NULL, 0};
  o->http->param(request, BP_LIT("session_id"), &id);
  struct call *call = call_new(o, request);
  if (!call)
    return;
  struct waiter *waiter = calloc(1, sizeof(*waiter));
  struct stopping *running = find_stopping(o, id);
  struct stopping *s = running || !waiter ? running : new_stopping(o, id);
  if (!waiter || !s) {
    o->http->reply_failure(request, BP_E_NO_MEMORY, NULL);
    free(waiter);
    free(call);
    return;
  }
  *waiter = (struct waiter){.next = s->waiters, .call = call, .then = then};
  s->waiters = waiter;
  if (!running)
    read_session(s);
}

void session_stop_quietly(struct observability *o, bp_str id) {
  struct stopping *s = find_stopping(o, id) ? NULL : new_stopping(o, id);
  if (s)
    read_session(s);
}

/* ---- POST /sessions/{session_id}/stop ---- */

static void answer_stopped(struct call *call, const struct stopped_session *session) {
  const struct observability *o = call->module;
  bp_json_writer out = 0;
  o->json->writer_new(o->self, &out);
  o->json->object_begin(out);
  o->json->key(out, BP_LIT("success"));
  o->json->put_boolean(out, 1);
  o->json->key(out, BP_LIT("ok"));
  o->json->put_boolean(out, 1);
  json_text_member(o->json, out, BP_LIT("session_id"), session->id);
  json_text_member(o->json, out, BP_LIT("session_name"), session->name);
  json_text_member(o->json, out, BP_LIT("status"), session->status);
  json_text_member(o->json, out, BP_LIT("message"), BP_LIT("Session stopped successfully"));
  o->json->object_end(out);
  kit_call_json(call, 200, call->module->json, out);
}

void sessions_stop(void *state, bp_request request) {
  session_stop_first(state, request, answer_stopped);
}
