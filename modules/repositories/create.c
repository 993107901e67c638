/* Adding a repository: an entry without a port -> a lease -> the port into the entry, and with it the repository is there. What
 * is cut short in between is undone, at the latest at the next start. */
#include "repositories.h"
#include "statements.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_MOST 65535

struct creation {
  struct repositories *module;
  struct call *call; /* NULL once it has been answered */
  int64_t id;
  uint32_t wanted;
};

bp_str lease_name(int64_t id, char text[LEASE_BYTES]) {
  snprintf(text, LEASE_BYTES, "repository-%" PRId64, id);
  return str_z(text);
}

/* ---- Undoing ---- */

static void dropped(void *ctx, const bp_db_outcome *outcome) {
  (void)ctx;
  (void)outcome; /* an entry that is left is dropped at the next start */
}

static void drop_entry(const struct repositories *r, int64_t id) {
  const bp_db_value values[] = {db_integer(id)};
  const bp_db_step step = {.size = sizeof(step), .kind = BP_DB_EXEC, .statement = DROP_ENTRY, .params = BP_ARRAY(values)};
  const bp_array all = {&step, 1, (uint32_t)sizeof(step)};
  r->db->write(r->self, all, dropped, NULL);
}

static void released(void *ctx, bp_status status, uint32_t port, const bp_error *err) {
  (void)ctx;
  (void)status; /* there may have been no lease */
  (void)port;
  (void)err;
}

static void undo(struct creation *c) {
  char name[LEASE_BYTES];
  c->module->port->release(c->module->self, lease_name(c->id, name), released, NULL);
  drop_entry(c->module, c->id);
  free(c);
}

/* ---- Making ---- */

static void on_completed(void *ctx, const bp_db_outcome *outcome) {
  struct creation *c = ctx;
  if (outcome->status != BP_OK) {
    call_end_failure(c->call, outcome->status, outcome->error);
    undo(c);
    return;
  }
  call_end_json(c->call, db_column(c->module->db, outcome, 0, 0, 0));
  free(c);
}

static void complete(struct creation *c, uint32_t port) {
  const struct repositories *r = c->module;
  const bp_db_value values[] = {db_integer(c->id), db_integer(port)};
  const bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = COMPLETE_ENTRY, .expect = BP_DB_ONE, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("repositories.created"), .payload_step = 0},
  };
  const bp_array all = BP_ARRAY(steps);
  bp_status status = r->db->write(r->self, all, on_completed, c);
  if (status == BP_OK)
    return;
  call_end_failure(c->call, status, NULL);
  undo(c);
}

static void refuse_port(struct creation *c, bp_status status, const bp_error *err) {
  char message[64];
  if (status == BP_E_EXISTS) {
    snprintf(message, sizeof(message), "Port %u is already in use", c->wanted);
    call_end_problem(c->call, 400, status, str_z(message));
  } else if (status == BP_E_LIMIT) {
    call_end_problem(c->call, 500, status, str_z(err->message));
  } else {
    call_end_failure(c->call, status, err);
  }
  undo(c);
}

static void on_leased(void *ctx, bp_status status, uint32_t port, const bp_error *err) {
  struct creation *c = ctx;
  if (status == BP_OK)
    complete(c, port);
  else
    refuse_port(c, status, err);
}

static void lease(struct creation *c) {
  const struct repositories *r = c->module;
  char name[LEASE_BYTES];
  int64_t first = 0, last = 0;
  r->config->integer(r->self, BP_LIT("first_port"), &first);
  r->config->integer(r->self, BP_LIT("last_port"), &last);
  bp_status status = r->port->lease(r->self, lease_name(c->id, name), c->wanted, (uint32_t)first, (uint32_t)last, on_leased, c);
  if (status == BP_OK)
    return;
  call_end_failure(c->call, status, NULL);
  undo(c);
}

/* Nothing was added: the path is there, or is being added right now. */
static void answer_existing(struct call *call, const bp_db_outcome *outcome) {
  if (call->module->db->rows(outcome->result, 1) > 0)
    call_end_json(call, db_column(call->module->db, outcome, 1, 0, 0));
  else
    call_end_problem(call, 503, BP_E_BUSY, BP_LIT("a repository at this path is being added already"));
}

static void on_begun(void *ctx, const bp_db_outcome *outcome) {
  struct creation *c = ctx;
  bp_db_value id = {.size = sizeof(id)};
  if (call_failed(c->call, outcome)) {
    free(c);
    return;
  }
  if (c->module->db->rows(outcome->result, 0) == 0) {
    answer_existing(c->call, outcome);
    free(c);
    return;
  }
  c->module->db->value(outcome->result, 0, 0, 0, &id);
  c->id = id.integer;
  lease(c);
}

void create_begin(struct call *call, const struct new_repository *wanted, bool is_once) {
  struct repositories *r = call->module;
  struct creation *c = calloc(1, sizeof(*c));
  if (!c) {
    call_end_failure(call, BP_E_NO_MEMORY, NULL);
    return;
  }
  *c = (struct creation){.module = r, .call = call, .wanted = wanted->port};
  const bp_db_value values[] = {db_text(wanted->name), db_text(wanted->path), db_text(wanted->type), db_text(wanted->url), db_text(wanted->branch)};
  const bp_db_step steps[] = {
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = is_once ? BEGIN_ENTRY_ONCE : BEGIN_ENTRY, .params = BP_ARRAY(values)},
      {.size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = ENTRY_BY_PATH, .params = {&values[1], 1, (uint32_t)sizeof(values[1])}},
  };
  const bp_array all = {steps, is_once ? 2 : 1, (uint32_t)sizeof(steps[0])};
  bp_status status = r->db->write(r->self, all, on_begun, c);
  if (status == BP_OK)
    return;
  call_end_failure(call, status, NULL);
  free(c);
}

/* ---- What was sent ---- */

/* The original's port may be a number or digits; 0, null and nothing at all mean the next free one. */
static bool read_port(const struct repositories *r, bp_json object, uint32_t *ret) {
  int64_t port = kit_field_number(r->json, object, "port");
  *ret = port > 0 && port <= PORT_MOST ? (uint32_t)port : 0;
  return port >= 0 && port <= PORT_MOST;
}

const char *create_read(const struct repositories *r, bp_json object, struct new_repository *ret) {
  bool are_texts = kit_field_text(r->json, object, "name", &ret->name) && kit_field_text(r->json, object, "path", &ret->path) &&
                   kit_field_text(r->json, object, "type", &ret->type) && kit_field_text(r->json, object, "url", &ret->url) &&
                   kit_field_text(r->json, object, "branch", &ret->branch);
  if (!are_texts)
    return "name, path, type, url and branch must be strings";
  if (ret->name.len == 0 || ret->path.len == 0 || ret->type.len == 0)
    return "Missing required fields: name, path, type, port";
  if (!kit_same(ret->type, "git") && !kit_same(ret->type, "local"))
    return "Type must be \"git\" or \"local\"";
  return read_port(r, object, &ret->port) ? NULL : "Port must be an integer from 1 to 65535";
}

void repositories_create(void *state, bp_request request) {
  struct repositories *r = state;
  struct new_repository wanted;
  bp_json facts = 0;
  struct call *call = call_of_request(r, request, BP_LIT("repository"));
  if (!call)
    return;
  r->http->facts(request, &facts);
  const char *fault = create_read(r, facts, &wanted);
  if (fault)
    call_end_problem(call, 400, BP_E_INVALID, str_z(fault));
  else
    create_begin(call, &wanted, false);
}

/* ---- At start ---- */

static void on_unfinished(void *ctx, const bp_db_outcome *outcome) {
  struct repositories *r = ctx;
  if (outcome->status != BP_OK)
    return;
  for (uint32_t row = 0; row < r->db->rows(outcome->result, 0); row++) {
    bp_db_value id = {.size = sizeof(id)};
    r->db->value(outcome->result, 0, row, 0, &id);
    struct creation *c = calloc(1, sizeof(*c));
    if (!c)
      return;
    *c = (struct creation){.module = r, .id = id.integer};
    undo(c);
  }
}

void create_recover(struct repositories *r) {
  const bp_db_query query = {.size = sizeof(query), .statement = UNFINISHED_ENTRIES};
  const bp_array all = {&query, 1, (uint32_t)sizeof(query)};
  if (r->db->read(r->self, all, 0, on_unfinished, r) != BP_OK)
    r->log->write(r->self, BP_LOG_WARN, BP_LIT("entries that were cut short are not looked for: the store is busy"), (bp_array){NULL, 0, 0});
}
