/* The rules in use: GET /api/backplane/policy, POST /api/backplane/policy/reload. */
#include "policy/policy.h"
#include "api/reply.h"
#include "api/routes.h"
#include "policy/approvals.h"
#include "policy/audit.h"

#include <stdlib.h>
#include <string.h>

static const struct policy_counters *counters_of(const char *set) {
  const struct policy_counters *c = policy_counters_first();
  while (c && strcmp(c->set, set) != 0)
    c = c->next;
  return c;
}

static json_t *set_json(const struct rule_set *set) {
  const struct policy_counters *c = counters_of(rule_set_name(set));
  json_t *decided = json_object(), *rules = json_array();
  for (enum verdict_kind kind = VERDICT_ALLOW; kind <= VERDICT_DENY; kind++)
    json_object_set_new(decided, verdict_name(kind), json_integer(c ? (json_int_t)c->verdicts[kind] : 0));
  for (unsigned i = 0; i < rule_set_count(set); i++)
    json_array_append_new(rules, json_string(rule_set_file(set, i)));
  return json_pack("{s:s, s:o, s:o}", "name", rule_set_name(set), "rules", rules, "decided", decided);
}

void api_policy(struct http_exchange *x, bp_str body) {
  const struct rule_sets *sets = policy_sets();
  json_t *list = json_array();
  (void)body;
  for (unsigned i = 0; sets && i < sets->count; i++)
    json_array_append_new(list, set_json(sets->items[i]));
  reply_json(x, 200,
             json_pack("{s:s?, s:o, s:i, s:I, s:I}", "scripts", sets ? sets->dir : NULL, "sets", list, "approvals_pending", (int)approvals_pending(),
                       "audit_rows", (json_int_t)audit_counters()->rows, "audit_lost", (json_int_t)audit_counters()->lost));
}

static void reloaded(void *ctx, bp_status status, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && status == BP_OK)
    reply_json(x, 200, json_pack("{s:b, s:i}", "ok", 1, "sets", (int)policy_sets()->count));
  else if (x)
    reply_failure(x, BP_E_INVALID, err);
}

void api_policy_reload(struct http_exchange *x, bp_str body) {
  (void)body;
  struct waiting *waiting = waiting_begin(x);
  if (policy_reload(reloaded, waiting) == BP_OK)
    return;
  waiting_end(waiting);
  reply_problem(x, 503, "the rules are being loaded, and many wait for that already", "try again in a moment");
}
