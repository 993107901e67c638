/* The replies of bp.http/1: from main at once, for deferred requests from any thread; exactly once either way. */
#ifndef HOST_ROUTER_HTTP_REPLY_H
#define HOST_ROUTER_HTTP_REPLY_H

#include <backplane/http.h>

bp_status http_header_add(bp_request request, bp_str name, bp_str value);
bp_status http_reply_json(bp_request request, uint32_t status, bp_json_writer body);
bp_status http_reply_text(bp_request request, uint32_t status, bp_str content_type, bp_str body);
bp_status http_reply_empty(bp_request request, uint32_t status);
bp_status http_reply_problem(bp_request request, const bp_problem *problem);
bp_status http_reply_failure(bp_request request, bp_status status, const bp_error *err);

#endif
