/* bp.policy/1: asking the operator's rules about something that is not a request of a declared route.
 *
 * Routes with facts are decided by the host before the handler runs; http.h's `facts` gives the handler what was decided on.
 * Use this for what a plugin does on its own account: a tool call, a command of an agent, a job. */
#ifndef BACKPLANE_POLICY_H
#define BACKPLANE_POLICY_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_POLICY_1 "bp.policy/1"

#define BP_VERDICT_ALLOW 1u
#define BP_VERDICT_DENY 2u
#define BP_VERDICT_ASK 3u /* nobody decided within the hold time: an approval is pending */

typedef struct bp_verdict {
  uint32_t size;
  uint32_t verdict;   /* BP_VERDICT_* */
  bp_str reason;      /* the rule's sentence, or why it was denied; at most 256 bytes */
  bp_str rule;        /* "<set>/<file>" that decided */
  bp_str approval_id; /* for ASK, and for ALLOW that came from an approval */
  bp_str facts;       /* for ALLOW: the facts to act on as JSON text; differs from the input where a rule rewrote them */
  uint64_t audit_id;  /* row of the audit table */
} bp_verdict;

typedef void (*bp_verdict_fn)(void *ctx, const bp_verdict *verdict); /* [main] */

typedef struct bp_policy_1 {
  uint32_t size;
  /* Decides on `facts` (one JSON object) with the rules of `set`. `principal` is who asks, e.g. http.h's principal; empty:
   * the plugin itself. `hold_ms`: how long an ask waits for a person, at most 25000; 0 does not wait. `done` runs exactly
   * once in a later tick; any failure of a rule denies. Copies its inputs. [main] */
  bp_status (*decide)(bp_plugin self, bp_str set, bp_str principal, bp_str facts, uint32_t hold_ms, bp_verdict_fn done, void *ctx);
} bp_policy_1;

#ifdef __cplusplus
}
#endif

#endif
