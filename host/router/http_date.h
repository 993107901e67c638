/* Dates in HTTP headers, RFC 9110 section 5.6.7. Independent of locale and time zone. Any thread. */
#ifndef HOST_ROUTER_HTTP_DATE_H
#define HOST_ROUTER_HTTP_DATE_H

#include <backplane/base.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_DATE_BYTES 30

/* "Sun, 06 Nov 1994 08:49:37 GMT", NUL-terminated; empty for years beyond 0001 to 9999. */
void http_date_format(int64_t seconds, char ret[HTTP_DATE_BYTES]);
/* Any of the three forms that a recipient must take. False: not a date. */
bool http_date_parse(bp_str text, int64_t *ret_seconds);

#endif
