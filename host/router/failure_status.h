/* The one mapping from a failed call's status to an HTTP status (bp.http/1, reply_failure); plugins' unit tests use it too. */
#ifndef HOST_ROUTER_FAILURE_STATUS_H
#define HOST_ROUTER_FAILURE_STATUS_H

#include <backplane/base.h>

uint32_t status_of_failure(bp_status status);

#endif
