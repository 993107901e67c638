/* Deciding; see decision.h. */
#include "policy/decision.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "policy/audit.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void decision_release(struct decision *decision) {
  json_decref(decision->facts);
  decision->facts = NULL;
}

static uint64_t write_audit(const struct question *q, const struct decision *d, const char *verdict) {
  const json_t *asked = facts_tree(q->facts);
  return audit_add(&(struct audit_entry){.principal = q->principal,
                                         .module = q->module,
                                         .operation = q->operation,
                                         .set = q->set,
                                         .verdict = verdict,
                                         .rule = d->rule,
                                         .reason = d->reason,
                                         .approval_id = d->approval_id,
                                         .facts = asked});
}

/* ---- Asking a person ---- */

/* All that is needed for the answer's own row; texts are copies. */
struct hold {
  struct approval_waiter *waiter;
  decision_fn done;
  void *ctx;
  struct decision decision;
  struct question question;
  struct facts facts;
  char *texts[4]; /* set, principal, module, operation */
};

static void hold_free(struct hold *hold) {
  for (unsigned i = 0; i < 4; i++)
    free(hold->texts[i]);
  facts_release(&hold->facts);
  decision_release(&hold->decision);
  free(hold);
}

static void answered(void *ctx, enum approval_end end, const char *id, const char *reason) {
  static const enum verdict_kind kinds[] = {[APPROVAL_DENIED] = VERDICT_DENY, [APPROVAL_UNDECIDED] = VERDICT_ASK};
  struct hold *hold = ctx;
  struct decision *d = &hold->decision;
  (void)id; /* the decision has it */
  d->kind = end != APPROVAL_PASSES ? kinds[end] : d->facts ? VERDICT_REWRITE : VERDICT_ALLOW;
  if (end == APPROVAL_DENIED)
    snprintf(d->reason, sizeof(d->reason), "%s", reason);
  if (end == APPROVAL_PASSES)
    d->audit_id = write_audit(&hold->question, d, "allow");
  else if (end == APPROVAL_DENIED)
    d->audit_id = write_audit(&hold->question, d, "deny");
  hold->done(hold->ctx, d);
  hold_free(hold);
}

static bp_str copy_text(struct hold *hold, unsigned index, bp_str text) {
  hold->texts[index] = str_dupz(text);
  return str_from(hold->texts[index]);
}

static struct hold *hold_new(const struct question *q, struct decision *d, decision_fn done, void *ctx) {
  struct hold *hold = mem_alloc(sizeof(*hold));
  *hold = (struct hold){.done = done, .ctx = ctx, .decision = *d};
  facts_of_tree(&hold->facts, facts_tree(q->facts));
  hold->question = (struct question){.set = copy_text(hold, 0, q->set),
                                     .principal = copy_text(hold, 1, q->principal),
                                     .module = copy_text(hold, 2, q->module),
                                     .operation = copy_text(hold, 3, q->operation),
                                     .facts = &hold->facts};
  d->facts = NULL; /* the hold has it */
  return hold;
}

static struct hold *wait_for_answer(const struct question *q, struct decision *d, decision_fn done, void *ctx) {
  struct hold *hold = hold_new(q, d, done, ctx);
  hold->waiter = approvals_wait(hold->decision.approval_id, q->hold_ms, answered, hold);
  if (hold->waiter)
    return hold;
  d->facts = hold->decision.facts;
  hold->decision.facts = NULL;
  hold_free(hold);
  return NULL;
}

/* The rules want a person's word. What is asked is what would be done: the rewritten facts, where a rule has made some. */
static struct hold *ask(const struct question *q, struct decision *d, decision_fn done, void *ctx) {
  bp_error err = BP_ERROR_INIT;
  const struct approval_question question = {.set = q->set,
                                             .principal = q->principal,
                                             .module = q->module,
                                             .operation = q->operation,
                                             .rule = d->rule,
                                             .reason = d->reason,
                                             .facts = d->facts ? d->facts : facts_tree(q->facts)};
  if (approvals_take(&question, d->approval_id)) {
    d->kind = d->facts ? VERDICT_REWRITE : VERDICT_ALLOW;
    d->audit_id = write_audit(q, d, "allow");
    return NULL;
  }
  if (approvals_ask(&question, d->approval_id, &err) != BP_OK) {
    d->kind = VERDICT_DENY;
    snprintf(d->reason, sizeof(d->reason), "nobody can be asked: %.200s", err.message);
    d->audit_id = write_audit(q, d, "deny");
    return NULL;
  }
  d->audit_id = write_audit(q, d, "ask");
  return q->hold_ms ? wait_for_answer(q, d, done, ctx) : NULL;
}

/* ---- The rules ---- */

static void take_verdict(struct decision *d, struct verdict *verdict) {
  d->kind = verdict->kind;
  memcpy(d->reason, verdict->reason, sizeof(d->reason));
  memcpy(d->pointer, verdict->pointer, sizeof(d->pointer));
  memcpy(d->rule, verdict->rule, sizeof(d->rule));
  d->facts = verdict->facts;
}

static bool is_only_counted(bp_str set) {
  return str_eq(set, BP_LIT(POLICY_VALIDATION)) || str_eq(set, BP_LIT(POLICY_BUDGET));
}

struct hold *decide(const struct question *q, struct decision *ret, decision_fn done, void *ctx) {
  struct rule_set *set = policy_find_set(q->set);
  struct verdict verdict;
  ret->kind = VERDICT_ALLOW;
  ret->reason[0] = ret->pointer[0] = ret->rule[0] = ret->approval_id[0] = '\0';
  ret->facts = NULL;
  ret->audit_id = 0;
  if (!set)
    return NULL;
  rule_set_decide(set, q->facts, &verdict);
  policy_count(set, verdict.kind);
  if (verdict.kind == VERDICT_ALLOW && is_only_counted(q->set))
    return NULL;
  take_verdict(ret, &verdict);
  if (verdict.kind == VERDICT_ASK)
    return ask(q, ret, done, ctx);
  ret->audit_id = write_audit(q, ret, verdict_name(verdict.kind));
  return NULL;
}

void hold_leave(struct hold *hold) {
  approvals_leave(hold->waiter);
  hold_free(hold);
}
