/* Answers of the host's own routes: JSON, problem details (RFC 9457), and reading a JSON body. */
#ifndef HOST_API_REPLY_H
#define HOST_API_REPLY_H

#include "http/exchange.h"
#include <backplane/base.h>
#include <jansson.h>

/* Answers with `value` and releases it. A NULL value (no memory) is a 503. */
void reply_json(struct http_exchange *x, unsigned status, json_t *value);
/* A string, or null where it is empty. */
json_t *text_or_null(bp_str text);
/* Answers with a problem: the sentence, and the fix (may be NULL). */
void reply_problem(struct http_exchange *x, unsigned status, const char *message, const char *hint);
/* A status of the host's functions as an answer. */
void reply_failure(struct http_exchange *x, bp_status status, const bp_error *err);
/* The body as an object, to be released by the caller; NULL: answered with 400. */
json_t *read_object(struct http_exchange *x, bp_str body);
/* A member that must be a string that is not empty; NULL: answered with 400. Borrowed. */
const char *read_string(struct http_exchange *x, const json_t *object, const char *name);
/* What follows `prefix` in the path: one segment. Empty: answered with 404. */
bp_str read_last_segment(struct http_exchange *x, const char *prefix);

#endif
