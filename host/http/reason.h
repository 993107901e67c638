/* Reason phrases of status codes (RFC 9110 section 15): for status lines and for the titles of problem details. */
#ifndef HOST_HTTP_REASON_H
#define HOST_HTTP_REASON_H

/* The phrase, or NULL for a code the host does not know. */
const char *http_reason(unsigned status);

#endif
