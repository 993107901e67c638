/* Conditional requests, RFC 9110 section 13: whether a request goes on, given what the representation is now. */
#ifndef HOST_ROUTER_CONDITION_H
#define HOST_ROUTER_CONDITION_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

struct http_exchange;

/* `etag`: the strong tag without quotes, or empty. `modified_s`: seconds since 1970, 0 for unknown. Returns 0 to go on, or
 * 304 or 412, which the caller answers with an empty body. Adds ETag and Last-Modified where it returns 0 or 304. Main. */
unsigned condition_check(struct http_exchange *x, bp_str etag, int64_t modified_s);
/* The same without adding headers. */
unsigned condition_decide(const struct http_exchange *x, bp_str etag, int64_t modified_s);
/* True if the representation is still the one that If-Range names (section 13.1.5), or there is no If-Range. */
bool condition_range_holds(const struct http_exchange *x, bp_str etag, int64_t modified_s);
/* True for text that may stand between the quotes of an entity tag. */
bool condition_is_tag(bp_str etag);

#endif
