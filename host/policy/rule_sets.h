/* All sets of a scripts folder, compiled and tested together: what a reload makes anew and swaps in as a whole. */
#ifndef HOST_POLICY_RULE_SETS_H
#define HOST_POLICY_RULE_SETS_H

#include "policy/rule_set.h"

#define RULE_SETS_MOST 64

struct rule_sets {
  char *dir;
  struct rule_set *items[RULE_SETS_MOST]; /* in name order, each with at least one rule */
  bp_str names[RULE_SETS_MOST];           /* theirs, side by side: a set is looked for at every decision */
  unsigned count;
};

/* Every folder in `dir` but lib/ that holds rules. Compiles all of them, then runs the tests beside them; NULL and the first
 * fault, with file and line, in `err`. A folder that does not exist is a fault. Any thread, but not for use by two at once. */
struct rule_sets *rule_sets_load(const char *dir, bp_error *err);
/* The same without the tests: for rules that are known to pass them (tested.h). */
struct rule_sets *rule_sets_compile(const char *dir, bp_error *err);
void rule_sets_free(struct rule_sets *sets); /* NULL is fine */
/* The set, or NULL where there are no rules of that name. */
struct rule_set *rule_sets_find(const struct rule_sets *sets, bp_str name);

/* Calls `each` with the name of every folder that may be a set, in name order, until one fails. */
bp_status rule_sets_each_name(const char *dir, bp_status (*each)(void *ctx, const char *name, bp_error *err), void *ctx, bp_error *err);

#endif
