/* Changing and deleting a repository, and noting whether it runs. */
#include "repositories.h"
#include "statements.h"

#define STEP(number, values)                                                                                                                         \
  { .size = sizeof(bp_db_step), .kind = BP_DB_EXEC, .statement = (number), .expect = BP_DB_ONE, .params = BP_ARRAY(values) }
#define TELL(name, step)                                                                                                                             \
  { .size = sizeof(bp_db_step), .kind = BP_DB_PUBLISH, .topic = BP_STR("repositories." name), .payload_step = (step) }

/* The request's call with the id it is about; NULL: answered. The facts hold the id from wherever it was given. */
static struct call *call_about(struct repositories *r, bp_request request, bp_str member, bp_json *ret_facts) {
  struct call *call = call_of_request(r, request, member);
  if (!call)
    return NULL;
  r->http->facts(request, ret_facts);
  call->id = kit_field_number(r->json, *ret_facts, "id");
  if (call->id > 0)
    return call;
  bp_json value = 0;
  bp_str text = {NULL, 0};
  bool is_given = r->json->get(*ret_facts, BP_LIT("id"), &value) == BP_OK && r->json->type(value) != BP_JSON_NULL;
  bool is_empty = is_given && r->json->string(value, &text) == BP_OK && text.len == 0;
  if (is_given && !is_empty)
    call_end_problem(call, 404, BP_E_NOT_FOUND, BP_LIT("Repository not found"));
  else
    call_end_problem(call, 400, BP_E_INVALID, BP_LIT("Repository ID is required"));
  return NULL;
}

/* ---- Changing ---- */

static void answer_changed(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  if (outcome->status == BP_E_CONFLICT)
    call_end_problem(call, 404, BP_E_NOT_FOUND, BP_LIT("Repository not found"));
  else if (!call_failed(call, outcome))
    call_end_json(call, db_column(call->module->db, outcome, 0, 0, 0));
}

static bool has_member(const struct repositories *r, bp_json object, bp_str name) {
  bp_json value = 0;
  return r->json->get(object, name, &value) == BP_OK;
}

void repositories_update(void *state, bp_request request) {
  struct repositories *r = state;
  bp_str name, path, url, branch;
  bp_json facts = 0;
  struct call *call = call_about(r, request, BP_LIT("repository"), &facts);
  if (!call)
    return;
  bool are_texts = kit_field_text(r->json, facts, "name", &name) && kit_field_text(r->json, facts, "path", &path) &&
                   kit_field_text(r->json, facts, "url", &url) && kit_field_text(r->json, facts, "branch", &branch);
  if (!are_texts || (name.ptr && name.len == 0) || (path.ptr && path.len == 0)) {
    call_end_problem(call, 400, BP_E_INVALID,
                     are_texts ? BP_LIT("name and path must not be empty") : BP_LIT("name, path, url and branch must be strings"));
    return;
  }
  const bp_db_value values[] = {
      db_integer(call->id), db_text(name),
      db_text(path),        db_integer(has_member(r, facts, BP_LIT("url"))),
      db_text(url),         db_integer(has_member(r, facts, BP_LIT("branch"))),
      db_text(branch),
  };
  const bp_db_step steps[] = {STEP(UPDATE_ENTRY, values), TELL("updated", 0)};
  call_write(call, steps, 2, answer_changed);
}

void change_running(struct call *call, bool is_running, int64_t pid, bp_str url) {
  const bp_db_value values[] = {db_integer(call->id), db_integer(is_running), pid > 0 ? db_integer(pid) : db_null(), db_text(url)};
  const bp_db_step steps[] = {STEP(SET_RUNNING, values), TELL("updated", 0)};
  call_write(call, steps, 2, answer_changed);
}

/* ---- Deleting ---- */

static void released(void *ctx, bp_status status, uint32_t port, const bp_error *err) {
  const struct repositories *r = ctx;
  (void)port;
  if (status != BP_OK && status != BP_E_CANCELLED)
    r->log->write(r->self, BP_LOG_WARN, str_z(err->message), (bp_array){NULL, 0, 0});
}

static void answer_deleted(void *ctx, const bp_db_outcome *outcome) {
  struct call *call = ctx;
  struct repositories *r = call->module;
  char name[LEASE_BYTES];
  if (outcome->status == BP_E_CONFLICT && outcome->failed_step == 0) {
    call_end_problem(call, 404, BP_E_NOT_FOUND, BP_LIT("Repository not found"));
    return;
  }
  if (outcome->status == BP_E_CONFLICT) {
    call_end_problem(call, 400, BP_E_CONFLICT, BP_LIT("Cannot delete running repository. Stop it first."));
    return;
  }
  if (call_failed(call, outcome))
    return;
  r->port->release(r->self, lease_name(call->id, name), released, r);
  call_end_text(call, BP_LIT("Repository deleted"));
}

void repositories_delete(void *state, bp_request request) {
  struct repositories *r = state;
  bp_json facts = 0;
  struct call *call = call_about(r, request, BP_LIT("message"), &facts);
  if (!call)
    return;
  const bp_db_value values[] = {db_integer(call->id)};
  const bp_db_step steps[] = {STEP(RUNNING_ENTRY, values), STEP(DELETE_ENTRY, values), TELL("deleted", 1)};
  call_write(call, steps, 3, answer_deleted);
}
