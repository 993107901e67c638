/* The way of a request: gate -> route -> scope -> media type -> body -> parameters and schema -> facts -> policy -> handler. */
#ifndef HOST_ROUTER_PIPELINE_H
#define HOST_ROUTER_PIPELINE_H

#include "http/exchange.h"
#include "router/errors.h"
#include "router/request.h"

extern const struct http_handler pipeline_handler;

/* The route is known: everything from its scope on. */
void pipeline_start(struct request *r, const struct match *match);
/* The body is there, or known to be absent (`text` empty): everything from here to the handler. */
void pipeline_body(struct request *r, bp_str text);
/* All checks are done. Answers what is wrong, or runs facts and handler. */
void pipeline_conclude(struct request *r, const struct error_list *errors);

#endif
