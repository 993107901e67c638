/* A request on its way through the pipeline: what the router hangs on an exchange, and what a bp_request handle means.
 *
 * Objects are pooled: a simple GET allocates nothing. Life: WAITING (for its body, an upload, or a parse on a worker) ->
 * RUNNING (in the handler) -> DEFERRED, maybe -> DONE (answered, handed over, or abandoned; the handle is stale). The object
 * itself lives until the wire says that the exchange is finished. */
#ifndef HOST_ROUTER_REQUEST_H
#define HOST_ROUTER_REQUEST_H

#include "base/buf.h"
#include "http/exchange.h"
#include "router/match.h"
#include "router/router.h"
#include "json/json.h"
#include <stddef.h>

struct upload;

enum request_phase { REQUEST_WAITING, REQUEST_RUNNING, REQUEST_DEFERRED, REQUEST_DONE };

/* A parameter's text as found; kept in the request's arena. */
struct request_value {
  bp_str text;
  bool is_present;
  bool is_repeated; /* in the query, with BP_ROUTE_QUERY_ONCE */
};

struct request_block {
  struct request_block *next;
  _Alignas(max_align_t) char data[];
};

#define REQUEST_ARENA_BYTES 512u

struct request {
  struct http_exchange *x;
  struct family *family;               /* whose shape errors have; NULL: the listener's */
  struct route *route;                 /* NULL for a host route or before routing */
  const struct host_route *host_route; /* of host/api */
  bp_request handle;
  enum request_phase phase;
  bool is_claimed; /* another thread has replied; the reply is on its way to main (guarded by the table's lock) */
  bool is_held;
  bool is_in_handler;        /* the plugin's handler is on the stack */
  bool is_deferred_for_host; /* the host waits for something on the plugin's behalf, which has not deferred itself */
  bool is_body_read;         /* bp.stream reads the body */
  bool is_upload_ready;
  bool is_body_kept;     /* body_text is in the arena */
  uint32_t status;       /* answered with; 0: handed over (file, stream, takeover) or abandoned */
  uint32_t prefix_len;   /* of x->path, "/f/<family>" */
  uint32_t header_count; /* added by the plugin */
  int64_t started_ns;

  struct buf collected; /* a body over the worker limit; `body_text` points here then */
  bp_str body_text;
  json_t *body;
  bp_json body_handle; /* made when the plugin asks */
  bp_json_writer facts;
  json_t *facts_tree;   /* what was allowed, once it is asked for or where a rule rewrote it */
  bp_json facts_handle; /* made when the plugin asks */
  bool are_facts_rewritten;
  struct hold *hold;                /* a person is asked ... */
  void (*go_on)(struct request *r); /* ... and this follows a yes */
  struct upload *upload;

  void (*follower)(struct http_exchange *x, void *ctx, bp_status why); /* request_follow */
  void *follower_ctx;

  bp_cancel_fn on_cancel;
  void *cancel_ctx;
  int64_t deadline_ms;
  struct request *next, *previous; /* of the deferred ones; `next` of the pool too */

  struct request_block *blocks;
  uint32_t arena_used;
  uint32_t span_count;
  struct match_span spans[ROUTE_PATH_PARAMS];
  struct request_value values[ROUTE_PARAMS]; /* set for the route's parameters before the handler runs */
  _Alignas(max_align_t) char arena[REQUEST_ARENA_BYTES];
};

/* A request for the exchange, hung on x->user; NULL without memory. It has no handle before request_route. */
struct request *request_new(struct http_exchange *x);
/* Takes the route and gives the handle; false without memory. */
bool request_route(struct request *r, const struct match *match);
/* The wire is done with the exchange. */
void request_release(struct request *r);

/* The request of a live handle, or NULL. Main. */
struct request *request_find(bp_request handle);
/* Bytes in the request's arena; NULL without memory. */
char *request_alloc(struct request *r, size_t bytes);
/* The same, aligned for any type. */
void *request_alloc_aligned(struct request *r, size_t bytes);
/* Copies text so that it lives as long as the request. False without memory. */
bool request_copy(struct request *r, bp_str text, bp_str *ret);
/* Makes the exchange's strings outlive the current callback. */
void request_hold(struct request *r);
/* The path below the family's prefix. */
bp_str request_path(const struct request *r);
void request_note_status(struct http_exchange *x, unsigned status);

/* Takes the right to reply: false if it is taken. The handle is stale afterwards; the caller replies at once. Main. */
bool request_claim(struct request *r);
/* Answered, or about to be by another thread. Main. */
bool request_is_claimed(const struct request *r);
/* The same from any thread for a deferred request: BP_E_STALE if taken, BP_E_THREAD if it is not deferred. The handle goes
 * stale for repliers only; the reply must be posted to main, which ends it with request_done. */
bp_status request_claim_elsewhere(bp_request handle);
/* For what a claim from elsewhere has posted: the request if it is still there. */
struct request *request_claimed(bp_request handle);
void request_done(struct request *r);
/* BP_OK if a deferred request could be replied to from this thread. Any thread. */
bp_status request_check_elsewhere(bp_request handle);

bp_status request_defer(struct request *r, bp_cancel_fn on_cancel, void *ctx);
/* The same for the host's own reasons (a body being streamed): the handler may return without an answer, and the plugin may
 * still defer. Nothing happens for one that has deferred. */
void request_defer_for_host(struct request *r);
/* The host waits before it runs the handler, for `limit_ms` at most (504 then): what the handler needs is kept. False without
 * memory. */
bool request_suspend(struct request *r, int64_t limit_ms);
/* The wait is over: as before request_suspend. */
void request_resume(struct request *r);
/* Makes the body's text live as long as the request. False without memory. */
bool request_keep_body(struct request *r);
/* Gives a deferred request its whole time again. */
void request_postpone(struct request *r);
/* True within the call of its handler. */
bool request_is_running(const struct request *r);
/* Ends a request that will get no reply of the plugin's; tells the plugin if it had deferred. The caller answers, if there
 * is still somebody to answer. False if a reply is already on its way. A follower is told instead of on_cancel: here, except
 * for BP_CANCEL_CLIENT_GONE, where the caller knows better why. */
bool request_cancel(struct request *r, uint32_t reason);
/* Calls the follower, once. */
void request_tell_follower(struct request *r, bp_status why);
/* Calls `each` for all deferred requests of `owner` (NULL: of everyone); it may end them. */
void request_each_deferred(const struct plugin *owner, void (*each)(struct request *r));

/* Frees the pool and the table. */
void requests_release(void);

#endif
