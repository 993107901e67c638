/* Answers of the host's own routes: JSON, problem details (RFC 9457), reading bodies and queries, and answering later. */
#ifndef HOST_API_REPLY_H
#define HOST_API_REPLY_H

#include "base/buf.h"
#include "http/exchange.h"
#include <backplane/base.h>
#include <jansson.h>
#include <stdbool.h>

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
/* The decoded value of a query parameter, appended to `out`; false where it is absent or there is no memory. */
bool query_value(bp_str query, bp_str name, struct buf *out);
/* A query parameter that is a whole number within bounds. False: answered with 400. */
bool query_integer(struct http_exchange *x, const char *name, int64_t minimum, int64_t maximum, int64_t otherwise, int64_t *ret);

/* A route that answers later: begin holds the exchange; end gives it back to be answered, or NULL where the client has left. */
struct waiting;
struct waiting *waiting_begin(struct http_exchange *x);
struct http_exchange *waiting_end(struct waiting *waiting);
/* The end of one whose answer is JSON that was looked up (borrowed), or a failure. `ctx` is the struct waiting. */
void waiting_answer(void *ctx, json_t *found, bp_status status, const bp_error *err);
/* The end of one that could not be begun: the client is still there. */
void waiting_refuse(struct waiting *waiting, bp_status status, const bp_error *err);

#endif
