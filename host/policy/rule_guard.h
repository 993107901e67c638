/* The first statement of most rules: `if request.module ~= "NAME" then return true end`. Known from the text, the rule need not be
 * started for facts of another module: it would allow them. */
#ifndef HOST_POLICY_RULE_GUARD_H
#define HOST_POLICY_RULE_GUARD_H

#include <backplane/base.h>

/* NAME, borrowed from the source, if comments and blanks aside the rule begins with this very statement; else without a pointer. */
bp_str rule_guard_module(bp_str source);

#endif
