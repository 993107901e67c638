/* Multipart uploads: the body of a BP_ROUTE_UPLOAD request, parsed as it arrives and its files spooled by workers.
 *
 * Order: the router calls upload_begin once headers are complete, keeps the pointer, waits for `done`, validates form
 * fields and files against the route's parameters, runs the handler, and calls upload_free in handler->finished (also when
 * the client left before `done`). All on main. */
#ifndef HOST_ROUTER_UPLOAD_H
#define HOST_ROUTER_UPLOAD_H

#include <backplane/http.h>
#include <backplane/stream.h>
#include <stdbool.h>

struct http_exchange;
struct plugin;
struct upload;

/* The body is complete and every file is on disk (`problem` NULL), or it cannot be accepted (answer `problem`, which is
 * borrowed for the call). Never called from inside upload_begin, at most once, and not after upload_free. */
typedef void (*upload_done_fn)(struct http_exchange *x, struct upload *upload, const bp_problem *problem);

/* Holds the exchange (exchange_hold) and reads its body into fields and files of the owner's folder. A request with neither
 * body nor Content-Type is an upload without parts; another media type is a 415 problem. A body over `limit_bytes` is
 * answered by the wire (wire_error 413) without `done`. Never NULL. */
struct upload *upload_begin(struct http_exchange *x, struct plugin *owner, uint64_t limit_bytes, upload_done_fn done);
/* Forgets it: no `done` afterwards; spooled files that were not kept are removed on a worker. NULL is fine. */
void upload_free(struct upload *upload);

/* Parts in the order sent; strings live until upload_free. `upload_part` sets members within ret->size. */
uint32_t upload_part_count(const struct upload *upload);
bool upload_part(const struct upload *upload, uint32_t index, bp_part *ret);
/* The first part of that field name, or -1: what BP_IN_FORM and BP_IN_FILE parameters refer to. */
int32_t upload_find(const struct upload *upload, bp_str name);

/* The router's: the upload of a live request whose `done` came without a problem, or NULL. */
struct upload *request_upload(bp_request request);

/* Removes what uploads left behind in the folder of a plugin before a crash. Called once a plugin at start, before its
 * routes are added; the work is done on a worker. */
void upload_clean_folder(struct plugin *owner);

#endif
