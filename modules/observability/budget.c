/* Token and cost limits: after a node's usage has changed, the rules of the set "budget" decide on what its whole session has used.
 *
 *   allow   nothing; with a text in `warning` of rewritten facts: a notice, once for each text
 *   deny    a notice, and the session is stopped
 *   ask     a notice, and once a person has denied it (or nobody has answered in time) as deny
 *
 * One question a session at a time: what changes meanwhile is decided on afterwards, in one go. Notices are the durable topic
 * "observability.budget"; modules that run the work subscribe to it. */
#include "observability.h"
#include "statements.h"

#include <stdlib.h>
#include <string.h>

#define CHECKS_MOST 1024u
#define HOLD_MS 25000u
#define ID_BYTES 17

struct budget_check {
  struct budget_check *next;
  struct observability *module;
  bool is_asked_again; /* usage has changed since */
  bool is_waiting;     /* for a person */
  char approval_id[ID_BYTES];
  char *node_id;    /* whose usage changed last */
  char *session_id; /* the topmost session of the tree, once known */
  char *facts;      /* JSON */
  size_t key_len;
  char key[]; /* the session the node names */
};

static bool replace_text(char **text, bp_str by) {
  char *copy = str_dup(by);
  if (!copy)
    return false;
  free(*text);
  *text = copy;
  return true;
}

static void check_free(struct budget_check *c) {
  struct budget_check **at = &c->module->checks;
  while (*at != c)
    at = &(*at)->next;
  *at = c->next;
  c->module->check_count--;
  free(c->node_id);
  free(c->session_id);
  free(c->facts);
  free(c);
}

static void complain(const struct observability *o, const char *text) {
  o->log->write(o->self, BP_LOG_WARN, str_z(text), (bp_array){NULL, 0, 0});
}

static void read_totals(struct budget_check *c);

static void end(struct budget_check *c) {
  if (c->is_asked_again && !c->module->is_draining)
    read_totals(c);
  else
    check_free(c);
}

/* ---- Notices ---- */

static void on_told(void *ctx, const bp_db_outcome *outcome) {
  const struct observability *o = ctx;
  if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
    complain(o, "a notice about a budget could not be stored");
}

static void put_copy(const struct observability *o, bp_json_writer out, bp_json facts, const char *name) {
  bp_json value = 0;
  o->json->key(out, str_z(name));
  if (o->json->get(facts, str_z(name), &value) == BP_OK)
    o->json->put_value(out, value);
  else
    o->json->put_null(out);
}

static bp_json_writer write_notice(const struct budget_check *c, const char *verdict, bp_str reason, bp_str rule, bp_json facts) {
  static const char *const copied[] = {"session_id", "node_id", "agent_id", "task_id", "project_id", "input_tokens", "output_tokens", "cost_usd"};
  const struct observability *o = c->module;
  bp_json_writer out = 0;
  if (o->json->writer_new(o->self, &out) != BP_OK)
    return 0;
  o->json->object_begin(out);
  json_text_member(o->json, out, BP_LIT("verdict"), str_z(verdict));
  json_text_member(o->json, out, BP_LIT("reason"), reason);
  json_text_member(o->json, out, BP_LIT("rule"), rule);
  json_text_member(o->json, out, BP_LIT("approval_id"), str_z(c->approval_id));
  for (unsigned i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
    put_copy(o, out, facts, copied[i]);
  o->json->object_end(out);
  return out;
}

/* `before` (may be NULL) runs in the same unit; the notice goes out only where it changed a row. */
static void tell(const struct budget_check *c, const char *verdict, bp_str reason, bp_str rule, const bp_db_step *before) {
  struct observability *o = c->module;
  bp_json facts = 0;
  bp_str payload = {NULL, 0};
  bp_db_step steps[2];
  if (o->json->parse(o->self, str_z(c->facts), &facts, NULL) != BP_OK)
    return;
  bp_json_writer out = write_notice(c, verdict, reason, rule, facts);
  o->json->release(o->self, facts);
  bool is_written = out && o->json->writer_text(out, &payload, NULL) == BP_OK;
  uint32_t count = 0;
  if (before)
    steps[count++] = *before;
  steps[count] = db_publish(BP_LIT("observability.budget"), str_z(c->session_id), 0);
  steps[count].payload = payload;
  steps[count++].flags = before ? BP_DB_IF_CHANGED : 0;
  if (!is_written || o->db->write(o->self, (bp_array){steps, count, (uint32_t)sizeof(steps[0])}, on_told, o) != BP_OK)
    complain(o, "a notice about a budget could not be stored");
  o->json->writer_free(out);
}

/* ---- Verdicts ---- */

static void remember_approved(const struct budget_check *c) {
  static const char *const names[] = {"input_tokens", "output_tokens", "cost_usd"};
  struct observability *o = c->module;
  bp_json facts = 0, value = 0;
  bp_db_value params[4] = {db_text(str_z(c->session_id))};
  if (o->json->parse(o->self, str_z(c->facts), &facts, NULL) != BP_OK)
    return;
  for (unsigned i = 0; i < 3; i++) {
    params[i + 1] = (bp_db_value){.size = sizeof(params[0]), .type = BP_DB_REAL};
    if (o->json->get(facts, str_z(names[i]), &value) == BP_OK)
      o->json->real(value, &params[i + 1].real);
    if (i < 2)
      params[i + 1] = db_integer((int64_t)params[i + 1].real);
  }
  o->json->release(o->self, facts);
  const bp_db_step step = db_exec(BUDGET_APPROVED, params, 4);
  if (o->db->write(o->self, (bp_array){&step, 1, (uint32_t)sizeof(step)}, on_told, o) != BP_OK)
    complain(o, "an approved budget could not be stored: it will be asked for again");
}

static void warn(const struct budget_check *c, const bp_verdict *verdict) {
  struct observability *o = c->module;
  bp_json facts = 0, value = 0;
  bp_str text = {NULL, 0};
  if (o->json->parse(o->self, verdict->facts, &facts, NULL) != BP_OK)
    return;
  if (o->json->get(facts, BP_LIT("warning"), &value) == BP_OK && o->json->string(value, &text) == BP_OK && text.len > 0) {
    const bp_db_value params[] = {db_text(str_z(c->session_id)), db_text(text)};
    const bp_db_step once = db_exec(BUDGET_WARNED, params, 2);
    tell(c, "warn", text, verdict->rule, &once);
  }
  o->json->release(o->self, facts);
}

static void deny(struct budget_check *c, bp_str reason, bp_str rule) {
  tell(c, "deny", reason, rule, NULL);
  session_stop_quietly(c->module, str_z(c->session_id));
  end(c);
}

static void ask(struct budget_check *c, const bp_verdict *verdict) {
  size_t len = verdict->approval_id.len < ID_BYTES - 1 ? verdict->approval_id.len : ID_BYTES - 1;
  bool is_new = strlen(c->approval_id) != len || memcmp(c->approval_id, verdict->approval_id.ptr, len) != 0;
  memcpy(c->approval_id, verdict->approval_id.ptr, len);
  c->approval_id[len] = '\0';
  c->is_waiting = true;
  if (is_new)
    tell(c, "ask", verdict->reason, verdict->rule, NULL);
}

static void on_verdict(void *ctx, const bp_verdict *verdict) {
  struct budget_check *c = ctx;
  if (c->module->is_draining) { /* the host's word, not a rule's */
    check_free(c);
  } else if (verdict->verdict == BP_VERDICT_DENY) {
    deny(c, verdict->reason, verdict->rule);
  } else if (verdict->verdict == BP_VERDICT_ASK) {
    ask(c, verdict);
  } else {
    if (verdict->approval_id.len)
      remember_approved(c);
    warn(c, verdict);
    end(c);
  }
}

static void decide(struct budget_check *c, uint32_t hold_ms) {
  const struct observability *o = c->module;
  if (o->policy->decide(o->self, BP_LIT("budget"), bp_str_make(NULL, 0), str_z(c->facts), hold_ms, on_verdict, c) == BP_OK)
    return;
  complain(o, "the budget of a session could not be decided on: too many questions wait");
  check_free(c);
}

/* ---- A person's answer ---- */

static void take_answer(struct budget_check *c, bp_str state, bp_str note) {
  if (kit_same(state, "approved")) {
    c->is_waiting = false;
    decide(c, HOLD_MS); /* the same facts pass now, once */
  } else if (kit_same(state, "denied") || kit_same(state, "expired")) {
    c->is_waiting = false;
    deny(c, note.len ? note : kit_same(state, "denied") ? BP_LIT("a person has denied it") : BP_LIT("nobody has answered in time"), BP_LIT(""));
  }
}

static void on_approval(void *ctx, const bp_live_event *event) {
  struct observability *o = ctx;
  bp_json root = 0;
  if (o->is_draining || !o->checks || o->json->parse(o->self, event->payload, &root, NULL) != BP_OK)
    return;
  bp_str id = kit_member_text(o->json, root, "id"), state = kit_member_text(o->json, root, "state"), note = kit_member_text(o->json, root, "note");
  for (struct budget_check *c = o->checks, *next; c; c = next) {
    next = c->next;
    if (c->is_waiting && kit_same(id, c->approval_id))
      take_answer(c, state, note);
  }
  o->json->release(o->self, root);
}

/* ---- Facts ---- */

static void put_column(const struct budget_check *c, bp_json_writer out, const char *name, const bp_db_outcome *outcome, uint32_t column) {
  const struct observability *o = c->module;
  bp_db_value value = {.size = sizeof(value)};
  o->db->value(outcome->result, 0, 0, column, &value);
  if (value.type == BP_DB_NULL)
    return;
  o->json->key(out, str_z(name));
  if (value.type == BP_DB_TEXT)
    o->json->put_string(out, value.text);
  else if (value.type == BP_DB_REAL)
    o->json->put_real(out, value.real);
  else
    o->json->put_integer(out, value.integer);
}

static bool write_facts(struct budget_check *c, const bp_db_outcome *outcome) {
  static const char *const names[] = {
      [BUDGET_SESSION_ID] = "session_id",
      [BUDGET_MODULE] = "node_module",
      [BUDGET_KIND] = "node_kind",
      [BUDGET_AGENT_ID] = "agent_id",
      [BUDGET_TASK_ID] = "task_id",
      [BUDGET_PROJECT_ID] = "project_id",
      [BUDGET_INPUT_TOKENS] = "input_tokens",
      [BUDGET_OUTPUT_TOKENS] = "output_tokens",
      [BUDGET_COST_USD] = "cost_usd",
      [BUDGET_AGENT_INPUT_TOKENS] = "agent_input_tokens",
      [BUDGET_AGENT_OUTPUT_TOKENS] = "agent_output_tokens",
      [BUDGET_AGENT_COST_USD] = "agent_cost_usd",
      [BUDGET_APPROVED_INPUT_TOKENS] = "approved_input_tokens",
      [BUDGET_APPROVED_OUTPUT_TOKENS] = "approved_output_tokens",
      [BUDGET_APPROVED_COST_USD] = "approved_cost_usd",
      [BUDGET_WARNING] = "warned",
  };
  const struct observability *o = c->module;
  bp_json_writer out = 0;
  bp_str text = {NULL, 0};
  if (o->json->writer_new(o->self, &out) != BP_OK)
    return false;
  o->json->object_begin(out);
  json_text_member(o->json, out, BP_LIT("module"), BP_LIT("observability"));
  json_text_member(o->json, out, BP_LIT("action"), BP_LIT("usage"));
  json_text_member(o->json, out, BP_LIT("node_id"), str_z(c->node_id));
  for (uint32_t column = 0; column < sizeof(names) / sizeof(names[0]); column++)
    put_column(c, out, names[column], outcome, column);
  o->json->object_end(out);
  bool is_written = o->json->writer_text(out, &text, NULL) == BP_OK && replace_text(&c->facts, text) &&
                    replace_text(&c->session_id, db_column(o->db, outcome, 0, 0, BUDGET_SESSION_ID));
  o->json->writer_free(out);
  return is_written;
}

static void on_totals(void *ctx, const bp_db_outcome *outcome) {
  struct budget_check *c = ctx;
  const struct observability *o = c->module;
  if (o->is_draining || outcome->status != BP_OK || o->db->rows(outcome->result, 0) == 0) {
    if (outcome->status != BP_OK && outcome->status != BP_E_CANCELLED)
      complain(o, "the usage of a session could not be read");
    check_free(c); /* or the session has been deleted */
  } else if (write_facts(c, outcome)) {
    decide(c, 0);
  } else {
    check_free(c);
  }
}

static void read_totals(struct budget_check *c) {
  const struct observability *o = c->module;
  const bp_db_value id = db_text(str_z(c->node_id));
  const bp_db_query query = {.size = sizeof(query), .statement = BUDGET_TOTALS, .max_rows = 1, .params = {&id, 1, sizeof(id)}};
  c->is_asked_again = false;
  if (o->db->read(o->self, (bp_array){&query, 1, (uint32_t)sizeof(query)}, 0, on_totals, c) == BP_OK)
    return;
  complain(o, "the usage of a session could not be read: the store is busy");
  check_free(c);
}

/* ---- Asking ---- */

static struct budget_check *find_check(const struct observability *o, bp_str key) {
  struct budget_check *c = o->checks;
  while (c && (c->key_len != key.len || memcmp(c->key, key.ptr, key.len) != 0))
    c = c->next;
  return c;
}

static struct budget_check *check_new(struct observability *o, bp_str key, bp_str node_id) {
  struct budget_check *c = o->check_count < CHECKS_MOST ? calloc(1, sizeof(*c) + key.len) : NULL;
  if (!c)
    return NULL;
  c->module = o;
  c->key_len = key.len;
  memcpy(c->key, key.ptr, key.len);
  c->next = o->checks;
  o->checks = c;
  o->check_count++;
  if (replace_text(&c->node_id, node_id))
    return c;
  check_free(c);
  return NULL;
}

void budget_usage_changed(struct observability *o, bp_str session_id, bp_str node_id) {
  struct budget_check *c = find_check(o, session_id);
  if (o->is_draining)
    return;
  if (c) {
    c->is_asked_again = replace_text(&c->node_id, node_id);
    return;
  }
  c = check_new(o, session_id, node_id);
  if (c)
    read_totals(c);
  else
    complain(o, "the budgets of too many sessions are being decided on: one was not looked at");
}

bp_status budget_start(struct observability *o) {
  static const bp_str topics[] = {BP_STR("bp.approval")};
  bp_subscription subscription;
  return o->live->subscribe(o->self, (bp_array)BP_ARRAY(topics), bp_str_make(NULL, 0), BP_LIVE_FROM_NOW, on_approval, o, &subscription);
}

void budget_release(struct observability *o) {
  for (struct budget_check *c = o->checks, *next; c; c = next) {
    next = c->next;
    check_free(c);
  }
}
