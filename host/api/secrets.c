/* POST /api/backplane/secrets/rotate: a new key for all stored secrets, answered when it is in force. */
#include "api/reply.h"
#include "api/routes.h"
#include "secret/secret.h"

static void done(void *arg, bp_status status, const struct secret_rotated *ret, const bp_error *err) {
  struct http_exchange *x = waiting_end(arg);
  if (x && status == BP_OK)
    reply_json(x, 200, json_pack("{s:i, s:i, s:s}", "rotated", (int)ret->rotated, "left", (int)ret->left, "key_id", ret->key_id));
  else if (x)
    reply_failure(x, status, err);
}

void api_secrets_rotate(struct http_exchange *x, bp_str body) {
  (void)body;
  struct waiting *waiting = waiting_begin(x);
  if (secret_rotate(done, waiting) != BP_OK)
    reply_problem(waiting_end(waiting), 409, "the key is being changed already", NULL);
}
