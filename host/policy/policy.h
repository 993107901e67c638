/* The policy in force: the sets of rules in use, loading them again, and what they have decided so far. Main thread.
 *
 * Order at start: policy_open (after store_open, before the modules). Deciding is decision.h. */
#ifndef HOST_POLICY_POLICY_H
#define HOST_POLICY_POLICY_H

#include "policy/rule_sets.h"
#include <stdint.h>

struct config;

/* A denial in this set is a validation error of the request, and what it allows leaves no row in the audit. */
#define POLICY_VALIDATION "validation"
/* Asked whenever a session has used more: what it allows leaves no row either. */
#define POLICY_BUDGET "budget"

/* The folder of the rules: the configuration's, else scripts/ beside the configuration file, else the installed one. Owned by
 * the caller. `ret_is_written` (may be NULL): the configuration names it. */
char *policy_scripts_dir(const struct config *config, bool *ret_is_written);

/* Loads all sets, opens the tables, ends the approvals of the last run. A broken script or a failing test is refused: nothing
 * runs on half of the rules. Rules that have passed before, as noted in `state_dir`, are not tested again. Blocks; at start only. */
bp_status policy_open(const struct config *config, const char *state_dir, bp_error *err);
/* After store_close. */
void policy_release(void);
/* Takes over what a new configuration says; the rules themselves are loaded by policy_reload. */
void policy_configure(const struct config *config);

/* Compiles and tests all sets on a worker, then swaps them in; a fault changes nothing. `done` (may be NULL) runs in a
 * later tick, once. One at a time, the others wait; BP_E_BUSY where too many do, and `done` does not run. */
typedef void (*policy_reload_fn)(void *ctx, bp_status status, const bp_error *err);
bp_status policy_reload(policy_reload_fn done, void *ctx);

/* The set in use, or NULL where it has no rules, which allows. Valid until the next tick. */
struct rule_set *policy_find_set(bp_str name);
const struct rule_sets *policy_sets(void);
/* How long an ask may wait for a person. */
uint32_t policy_hold_ms(void);

/* What a set has decided since the start, by verdict; kept over reloads. */
struct policy_counters {
  char *set;
  uint64_t verdicts[VERDICT_DENY + 1];
  struct policy_counters *next;
};
void policy_count(const struct rule_set *set, enum verdict_kind kind);
const struct policy_counters *policy_counters_first(void);

#endif
