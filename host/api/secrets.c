/* POST /api/backplane/secrets/rotate: a new key for all stored secrets, answered when it is in force. */
#include "api/reply.h"
#include "api/routes.h"
#include "base/mem.h"
#include "secret/secret.h"

#include <stdlib.h>

struct rotation {
  struct http_exchange *x; /* NULL: the client left; the key is still changed */
};

static void client_gone(struct http_exchange *x, void *ctx, bp_status why) {
  struct rotation *rotation = ctx;
  (void)x;
  (void)why;
  rotation->x = NULL;
}

static void done(void *arg, bp_status status, const struct secret_rotated *ret, const bp_error *err) {
  struct rotation *rotation = arg;
  struct http_exchange *x = rotation->x;
  free(rotation);
  if (!x)
    return;
  request_follow(x, NULL, NULL);
  if (status == BP_OK)
    reply_json(x, 200, json_pack("{s:i, s:i, s:s}", "rotated", (int)ret->rotated, "left", (int)ret->left, "key_id", ret->key_id));
  else
    reply_failure(x, status, err);
}

void api_secrets_rotate(struct http_exchange *x, bp_str body) {
  (void)body;
  struct rotation *rotation = mem_alloc(sizeof(*rotation));
  rotation->x = x;
  if (secret_rotate(done, rotation) != BP_OK) {
    free(rotation);
    reply_problem(x, 409, "the key is being changed already", NULL);
    return;
  }
  exchange_hold(x);
  request_follow(x, client_gone, rotation);
}
