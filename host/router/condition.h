/* Conditional requests, RFC 9110 section 13: whether a request goes on, given what the representation is now. */
#ifndef HOST_ROUTER_CONDITION_H
#define HOST_ROUTER_CONDITION_H

#include <backplane/base.h>
#include <stdint.h>

struct http_exchange;

/* `etag`: the strong tag without quotes, or empty. `modified_s`: seconds since 1970, 0 for unknown. Returns 0 to go on, or
 * 304 or 412, which the caller answers with an empty body. Adds ETag and Last-Modified where it returns 0 or 304. Main. */
unsigned condition_check(struct http_exchange *x, bp_str etag, int64_t modified_s);

#endif
