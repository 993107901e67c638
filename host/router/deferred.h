/* The list of deferred requests and their one timer. */
#ifndef HOST_ROUTER_DEFERRED_H
#define HOST_ROUTER_DEFERRED_H

#include "router/request.h"

void deferred_add(struct request *r);
/* Nothing happens for one that is not listed. */
void deferred_remove(struct request *r);
/* Answers every request whose time is up with 504. Called by the timer. */
void deferred_expire(void);
void deferred_release(void);

#endif
