/* `backplane policy explain`. */
#ifndef HOST_CLI_POLICY_EXPLAIN_H
#define HOST_CLI_POLICY_EXPLAIN_H

#include "cli/command.h"

/* words[1]: a file with facts (then --set is needed), or the id of a row of the audit. */
int policy_explain(const struct cli_call *call);

#endif
