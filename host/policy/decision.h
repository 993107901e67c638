/* One decision: the rules of a set, then, where they ask, a person; and its row in the audit. Main thread. */
#ifndef HOST_POLICY_DECISION_H
#define HOST_POLICY_DECISION_H

#include "policy/approvals.h"
#include "policy/facts.h"
#include "policy/verdict.h"

struct question {
  bp_str set;
  bp_str principal; /* who wants it */
  bp_str module;    /* through which plugin */
  bp_str operation; /* which of its routes, or empty */
  struct facts *facts;
  uint32_t hold_ms; /* how long an ask waits for an answer; 0: not at all */
};

struct decision {
  enum verdict_kind kind; /* ALLOW; REWRITE: allowed on `facts`; ASK: pending, nobody has answered in time; DENY */
  char reason[VERDICT_REASON_BYTES];
  char pointer[128];
  char rule[128];
  char approval_id[APPROVAL_ID_BYTES]; /* of ASK, and of what an approval has allowed; else empty */
  json_t *facts;                       /* what to act on where it is not what was asked; owned by the decision */
  uint64_t audit_id;                   /* 0: no row */
};
void decision_release(struct decision *decision);

struct hold; /* a question that waits for a person */
/* `decision` is released by the caller. In a later tick, once. */
typedef void (*decision_fn)(void *ctx, const struct decision *decision);

/* Decides. NULL: `ret` has the decision, to be released. Otherwise `done` will have it; nothing borrowed is used after the call. */
struct hold *decide(const struct question *question, struct decision *ret, decision_fn done, void *ctx);
/* Whoever asked is gone: `done` will not run. */
void hold_leave(struct hold *hold);

#endif
