/* Debug builds check answers against the schema the route declares; release builds compile this away. */
#ifndef HOST_ROUTER_RESPONSE_CHECK_H
#define HOST_ROUTER_RESPONSE_CHECK_H

#include "router/request.h"

#ifdef NDEBUG
static inline void response_check(const struct request *r, uint32_t status, bp_str content_type, bp_str body) {
  (void)r, (void)status, (void)content_type, (void)body;
}
#else
/* Logs what is wrong, with route and pointer; the answer goes out as it is. */
void response_check(const struct request *r, uint32_t status, bp_str content_type, bp_str body);
#endif

#endif
