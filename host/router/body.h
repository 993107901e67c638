/* JSON bodies: how they are taken from the wire, and how they become a checked value. */
#ifndef HOST_ROUTER_BODY_H
#define HOST_ROUTER_BODY_H

#include "router/errors.h"
#include "router/request.h"

/* Bodies over this are parsed and validated on a worker. */
#define BODY_WORKER_BYTES (256u * 1024u)

/* application/json or a type that ends in +json (RFC 6839), whatever its parameters. */
bool body_is_json_type(bp_str value);
/* NULL if the request's media type and encoding are those of JSON (or absent), else the sentence for a 415. */
const char *body_refusal(const struct http_exchange *x);
/* Asks the wire for the body; pipeline_body follows. */
void body_take(struct request *r, uint64_t limit);
/* Parses and validates `text`, here or on a worker, after the parameters; pipeline_conclude follows. */
void body_check(struct request *r, bp_str text);

#endif
