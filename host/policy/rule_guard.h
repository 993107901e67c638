/* What the text of a rule tells before it runs.
 *
 * The first statement of most rules: `if request.module ~= "NAME" then return true end`. Known from the text, the rule need not be
 * started for facts of another module: it would allow them. */
#ifndef HOST_POLICY_RULE_GUARD_H
#define HOST_POLICY_RULE_GUARD_H

#include <backplane/base.h>
#include <stdbool.h>

/* Without comments. Far less than a rule's instructions, each of which needs a byte or more. */
#define RULE_STRAIGHT_BYTES 4096u

/* NAME, borrowed from the source, if comments and blanks aside the rule begins with this very statement; else without a pointer. */
bp_str rule_guard_module(bp_str source);

/* True where every instruction runs once at most and costs no more than to copy or compare a member of the facts: a short text of if,
 * return, comparisons, `request.member`, literals, and calls of allow, ask and deny. Whatever else there is (names of one's own, loops,
 * functions, methods, libraries, arithmetic, "..", tables, long strings) is not: a text can grow by it, or be read as a number by it. */
bool rule_is_straight(bp_str source);

#endif
