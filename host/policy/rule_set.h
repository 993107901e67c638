/* The rules of one set: the files of scripts/<set>/ in name order, compiled into one state, with the tests beside them.
 *
 * A set never changes: reloading makes a new one and swaps it in (policy.h). */
#ifndef HOST_POLICY_RULE_SET_H
#define HOST_POLICY_RULE_SET_H

#include "policy/facts.h"
#include "policy/verdict.h"
#include <backplane/base.h>
#include <stdbool.h>

struct rule_set;

/* Compiles all rules of `dir`/`name`. A folder that does not exist gives an empty set, which allows. NULL and file with line
 * in `err` otherwise. */
struct rule_set *rule_set_load(const char *dir, const char *name, bp_error *err);
/* A set of one rule given as text, for tests and `policy explain`. */
struct rule_set *rule_set_of_source(const char *name, bp_str source, bp_error *err);
void rule_set_free(struct rule_set *set);
const char *rule_set_name(const struct rule_set *set);
unsigned rule_set_count(const struct rule_set *set);
/* "<set>/<file>" of a rule. */
const char *rule_set_file(const struct rule_set *set, unsigned index);

/* Runs the rules on the facts; the strongest verdict counts, any failure of a rule denies. A rewrite is decided on again,
 * once. `ret` is released by the caller. Never fails, never blocks longer than the budget. */
void rule_set_decide(struct rule_set *set, struct facts *facts, struct verdict *ret);
/* What each rule says of the facts by itself, in order, all of them. */
typedef void (*rule_said_fn)(void *ctx, const struct verdict *verdict);
void rule_set_explain(struct rule_set *set, struct facts *facts, rule_said_fn each, void *ctx);

/* One case of a <rule>.test.lua. */
struct rule_test_result {
  const char *rule;
  const char *name;
  const char *expected;
  const char *got;
  const char *reason;
  bool passed;
};
typedef void (*rule_test_fn)(void *ctx, const struct rule_test_result *result);
/* Runs every test beside the rules; returns BP_E_INVALID and the first failure in `err` if one fails. `each` may be NULL. */
bp_status rule_set_test(struct rule_set *set, rule_test_fn each, void *ctx, bp_error *err);

#endif
