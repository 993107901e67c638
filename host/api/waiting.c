/* Host routes that answer later; see reply.h. */
#include "api/reply.h"
#include "base/mem.h"
#include "router/router.h"

#include <stdlib.h>

struct waiting {
  struct http_exchange *x; /* NULL: the client left */
};

static void client_gone(struct http_exchange *x, void *ctx, bp_status why) {
  struct waiting *waiting = ctx;
  (void)x;
  (void)why;
  waiting->x = NULL;
}

struct waiting *waiting_begin(struct http_exchange *x) {
  struct waiting *waiting = mem_alloc(sizeof(*waiting));
  waiting->x = x;
  exchange_hold(x);
  request_follow(x, client_gone, waiting);
  return waiting;
}

struct http_exchange *waiting_end(struct waiting *waiting) {
  struct http_exchange *x = waiting->x;
  if (x)
    request_follow(x, NULL, NULL);
  free(waiting);
  return x;
}

void waiting_answer(void *ctx, json_t *found, bp_status status, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && status == BP_OK)
    reply_json(x, 200, json_incref(found));
  else if (x)
    reply_failure(x, status, err);
}

void waiting_refuse(struct waiting *waiting, bp_status status, const bp_error *err) {
  reply_failure(waiting_end(waiting), status, err);
}
