/* Between validation and handler: the plugin states what the request would do, and the policy decides on it. */
#ifndef HOST_ROUTER_POLICY_STEP_H
#define HOST_ROUTER_POLICY_STEP_H

#include "router/request.h"

/* For a route with facts. Calls `go_on` for what is allowed, now or, where a person is asked, in a later tick; answers the
 * rest. */
void policy_step(struct request *r, void (*go_on)(struct request *r));
/* The request is over: says so where a rule rewrote its facts and the module did not look at them. */
void policy_step_over(const struct request *r);
/* bp.http/1 facts. */
bp_status policy_step_facts(struct request *r, bp_json *ret);

#endif
