/* One action on a deployment, from the request to its answer. Actions on the same deployment run one after the other; the route
 * POST /api/deployments/{id}/action begins them here, start.c and stop.c do what they are about. */
#include "deployments.h"
#include "statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *done; /* the action, and the answer's sentence */
} kinds[] = {
    [OPERATION_START] = {"start", NULL},
    [OPERATION_STOP] = {"stop", "Deployment stopped"},
    [OPERATION_RESTART] = {"restart", "Deployment restarted"},
    [OPERATION_DELETE] = {"delete", "Deployment deleted"},
};

/* ---- The queue ---- */

/* The host began it, at its start or after a crash, and neither a client nor another deployment waits for its end. A hundred programs
 * that are started at once take a machine away from everybody, so these have to wait for a place. */
static bool is_unattended(const struct operation *op) {
  return op->request == 0 && !op->waits_for_it && !op->is_awaited;
}

static bool has_place(const struct operation *op) {
  return !is_unattended(op) || op->module->unattended < UNATTENDED_AT_ONCE;
}

static bool is_behind_another(const struct operation *op) {
  for (const struct operation *at = op->module->operations; at && at != op; at = at->next)
    if (at->id == op->id)
      return true;
  return false;
}

static bool may_begin(const struct operation *op) {
  return op->module->is_recovered && !op->has_begun && has_place(op) && !is_behind_another(op);
}

static void on_row(void *ctx, const bp_db_outcome *outcome) {
  struct operation *op = ctx;
  if (operation_failed(op, outcome))
    return;
  if (op->module->db->rows(outcome->result, 0) == 0)
    operation_problem(op, 404, "Deployment not found");
  else if (!row_read(op->module, outcome, 0, 0, &op->row))
    operation_fail(op, BP_E_NO_MEMORY, NULL);
  else if (op->kind == OPERATION_START)
    start_begin(op);
  else
    stop_begin(op);
}

static void begin(struct operation *op) {
  const struct deployments *d = op->module;
  const bp_db_value values[] = {db_integer(op->id)};
  const bp_db_query query = {.size = sizeof(query), .statement = ENTRY_BY_ID, .max_rows = 1, .params = BP_ARRAY(values)};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  op->has_begun = true;
  if (op->request)
    retry_drop(op->module, op->id);
  op->has_place = is_unattended(op);
  op->module->unattended += op->has_place;
  bp_status status = d->db->read(d->self, all, 0, on_row, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

bool operation_add(struct deployments *d, enum operation_kind kind, int64_t id, bp_request request, struct operation *waiting) {
  struct operation **end = &d->operations;
  unsigned count = 0;
  for (; *end; end = &(*end)->next)
    count += (*end)->request != 0;
  struct operation *op = !request || count < LIMIT_OPERATIONS ? calloc(1, sizeof(*op)) : NULL;
  if (!op) {
    if (request)
      d->http->reply_failure(request, BP_E_BUSY, NULL);
    return false;
  }
  *op = (struct operation){.module = d, .kind = kind, .id = id, .request = request, .waits_for_it = waiting};
  if (request) {
    bp_str principal = d->http->principal(request);
    snprintf(op->principal, sizeof(op->principal), "%.*s", (int)principal.len, principal.ptr);
  }
  *end = op;
  for (struct operation *at = d->operations; at != op; at = at->next)
    at->is_awaited |= at->id == id && !is_unattended(op);
  operations_begin(d);
  return true;
}

/* An operation may end while it begins, and take others with it or add some: so the search starts anew each time. */
void operations_begin(struct deployments *d) {
  struct operation *op = d->is_beginning ? NULL : d->operations;
  if (!op)
    return;
  d->is_beginning = true;
  while (op) {
    bool has_turn = may_begin(op);
    struct operation *next = op->next;
    if (has_turn)
      begin(op);
    op = has_turn ? d->operations : next;
  }
  d->is_beginning = false;
}

static void free_one(struct operation *op) {
  row_release(&op->row);
  env_release(&op->env);
  start_command_free(op->command);
  free(op->path);
  free(op->allowed);
  free(op);
}

/* Takes it out of the queue and lets others begin; then whoever waited for it goes on. */
static void end(struct operation *op, const char *failure) {
  struct deployments *d = op->module;
  int64_t id = op->id;
  struct operation *waiting = op->waits_for_it;
  struct operation **at = &d->operations;
  struct running *running = running_find(d, id);
  if (running && running->operation == op)
    running->operation = NULL;
  while (*at != op)
    at = &(*at)->next;
  *at = op->next;
  d->unattended -= op->has_place;
  free_one(op);
  if (!d->is_draining)
    operations_begin(d);
  if (waiting && failure) {
    char message[MESSAGE_BYTES];
    snprintf(message, sizeof(message), "deployment %lld, which this one needs, could not be started: %s", (long long)id, failure);
    start_lacks(waiting, message);
  } else if (waiting) {
    start_begin(waiting);
  }
}

void operations_release(struct deployments *d) {
  while (d->operations) {
    struct operation *next = d->operations->next;
    free_one(d->operations);
    d->operations = next;
  }
}

/* ---- Ends ---- */

static void put_started(const struct operation *op, bp_json_writer out) {
  const bp_json_1 *json = op->module->json;
  const struct running *running = running_find(op->module, op->id);
  json->key(out, BP_LIT("deployment"));
  json->object_begin(out);
  put_number(json, out, "id", op->id);
  put_text(json, out, "status", running && running->is_online ? "running" : "stopped");
  json->key(out, BP_LIT("pid"));
  if (running && running->pid)
    json->put_integer(out, running->pid);
  else
    json->put_null(out);
  put_number(json, out, "port", op->row.port);
  json->object_end(out);
}

static void reply_done(const struct operation *op) {
  const struct deployments *d = op->module;
  char started[64];
  bp_json_writer out = 0;
  bp_status status = d->json->writer_new(d->self, &out);
  if (status != BP_OK) {
    d->http->reply_failure(op->request, status, NULL);
    return;
  }
  snprintf(started, sizeof(started), "Deployment started on port %lld", (long long)op->row.port);
  d->json->object_begin(out);
  d->json->key(out, BP_LIT("success"));
  d->json->put_boolean(out, 1);
  put_text(d->json, out, "message", kinds[op->kind].done ? kinds[op->kind].done : started);
  if (op->kind == OPERATION_START || op->kind == OPERATION_RESTART)
    put_started(op, out);
  d->json->object_end(out);
  d->http->reply_json(op->request, 200, out);
  d->json->writer_free(out);
}

void operation_succeed(struct operation *op) {
  retry_drop(op->module, op->id);
  if (op->request)
    reply_done(op);
  end(op, NULL);
}

void operation_problem(struct operation *op, uint32_t status, const char *message) {
  char copy[MESSAGE_BYTES];
  snprintf(copy, sizeof(copy), "%s", message);
  if (op->request)
    kit_problem(op->module->http, op->request, status, str_z(copy));
  else if (!op->module->is_draining)
    op->module->log->write(op->module->self, BP_LOG_WARN, str_z(copy), (bp_array){NULL, 0, 0});
  end(op, copy);
}

void operation_postponed(struct operation *op, const char *why) {
  char copy[MESSAGE_BYTES];
  snprintf(copy, sizeof(copy), "%s", why);
  end(op, copy);
}

void operation_fail(struct operation *op, bp_status status, const bp_error *err) {
  if (op->request)
    op->module->http->reply_failure(op->request, status, err);
  end(op, err && err->message[0] ? err->message : "the host could not do it");
}

bool operation_failed(struct operation *op, const bp_db_outcome *outcome) {
  if (outcome->status == BP_OK)
    return false;
  operation_fail(op, outcome->status, outcome->error);
  return true;
}

void operation_write(struct operation *op, const bp_db_step *steps, uint32_t count, bp_db_done_fn done) {
  const struct deployments *d = op->module;
  bp_array all = {steps, count, (uint32_t)sizeof(*steps)};
  bp_status status = d->db->write(d->self, all, done, op);
  if (status != BP_OK)
    operation_fail(op, status, NULL);
}

/* ---- The route ---- */

void deployments_action(void *state, bp_request request) {
  struct deployments *d = state;
  bp_json facts = 0;
  bp_str action = {NULL, 0};
  d->http->facts(request, &facts);
  kit_field_text(d->json, facts, "action", &action);
  for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (kit_same(action, kinds[i].name)) {
      d->http->defer(request, NULL, NULL);
      operation_add(d, (enum operation_kind)i, kit_field_number(d->json, facts, "id"), request, NULL);
      return;
    }
  kit_problem(d->http, request, 400, BP_LIT("Invalid action. Must be: start, stop, restart, or delete"));
}
