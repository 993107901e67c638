/* Tokens and sessions: /api/backplane/tokens and /api/backplane/session. What is a secret is answered once and never logged. */
#include "auth/tokens.h"
#include "api/reply.h"
#include "api/routes.h"
#include "auth/identity.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  uint32_t bit;
} scope_names[] = {{"read", SCOPE_READ}, {"write", SCOPE_WRITE}, {"admin", SCOPE_ADMIN}};
#define SCOPE_COUNT (sizeof(scope_names) / sizeof(scope_names[0]))

static json_t *scopes_json(uint32_t scopes) {
  json_t *list = json_array();
  for (unsigned i = 0; i < SCOPE_COUNT; i++)
    if (scopes & scope_names[i].bit)
      json_array_append_new(list, json_string(scope_names[i].name));
  return list;
}

static void add_token(void *ctx, bp_str id, bp_str name, uint32_t scopes, int64_t created_s, int64_t expires_s) {
  json_array_append_new(ctx, json_pack("{s:s%, s:s%, s:o, s:I, s:I}", "id", id.ptr, id.len, "name", name.ptr ? name.ptr : "", name.len, "scopes",
                                       scopes_json(scopes), "created_s", (json_int_t)created_s, "expires_s", (json_int_t)expires_s));
}

void api_tokens(struct http_exchange *x, bp_str body) {
  json_t *list = json_array();
  (void)body;
  token_list(add_token, list);
  reply_json(x, 200, json_pack("{s:o}", "tokens", list));
}

static uint32_t scope_bit(const json_t *word) {
  for (unsigned i = 0; json_is_string(word) && i < SCOPE_COUNT; i++)
    if (strcmp(json_string_value(word), scope_names[i].name) == 0)
      return scope_names[i].bit;
  return 0;
}

/* "scopes": ["read", "write"]; absent: read. A wider scope holds the narrower. False: answered. */
static bool read_scopes(struct http_exchange *x, const json_t *object, uint32_t *ret) {
  const json_t *list = json_object_get(object, "scopes");
  size_t index;
  const json_t *word;
  uint32_t scopes = SCOPE_READ;
  json_array_foreach(list, index, word) {
    uint32_t bit = scope_bit(word);
    if (!bit) {
      reply_problem(x, 400, "\"scopes\" holds something else than \"read\", \"write\" and \"admin\"", NULL);
      return false;
    }
    scopes |= bit;
  }
  if (list && !json_array_size(list)) {
    reply_problem(x, 400, "\"scopes\" is not a list of scopes", "for example [\"read\", \"write\"]");
    return false;
  }
  *ret = scopes;
  return true;
}

static bool read_lifetime(struct http_exchange *x, const json_t *object, int64_t *ret) {
  const json_t *given = json_object_get(object, "lifetime_s");
  *ret = json_integer_value(given);
  if ((!given || json_is_integer(given)) && *ret >= 0 && *ret <= INT64_C(3153600000))
    return true;
  reply_problem(x, 400, "\"lifetime_s\" is not a number of seconds from 0 (for ever) to 3153600000", NULL);
  return false;
}

/* An answer that is ready but not yet true: it leaves when the change is on disk. */
struct promise {
  struct waiting *waiting;
  unsigned status;
  json_t *body; /* NULL: none */
};

static void keep_promise(void *ctx, bp_status status, const bp_error *err) {
  struct promise *promise = ctx;
  struct http_exchange *x = waiting_end(promise->waiting);
  if (x && status != BP_OK)
    reply_failure(x, status, err);
  else if (x && promise->body)
    reply_json(x, promise->status, json_incref(promise->body));
  else if (x)
    exchange_reply(x, promise->status, bp_str_make(NULL, 0), bp_str_make(NULL, 0));
  json_decref(promise->body);
  free(promise);
}

static void reply_when_saved(struct http_exchange *x, unsigned status, json_t *body) {
  struct promise *promise = mem_alloc(sizeof(*promise));
  *promise = (struct promise){.waiting = waiting_begin(x), .status = status, .body = body};
  token_when_saved(keep_promise, promise);
}

static void create(struct http_exchange *x, const json_t *object) {
  bp_error err = BP_ERROR_INIT;
  uint32_t scopes;
  int64_t lifetime_s;
  char text[65], id[17];
  const char *name = read_string(x, object, "name");
  if (!name || !read_scopes(x, object, &scopes) || !read_lifetime(x, object, &lifetime_s))
    return;
  bp_status status = token_create(str_from(name), scopes, lifetime_s, text, id, &err);
  if (status != BP_OK)
    reply_failure(x, status, &err);
  else
    reply_when_saved(x, 201, json_pack("{s:s, s:s, s:s, s:o}", "id", id, "name", name, "token", text, "scopes", scopes_json(scopes)));
  explicit_bzero(text, sizeof(text));
}

void api_token_create(struct http_exchange *x, bp_str body) {
  json_t *object = read_object(x, body);
  if (object)
    create(x, object);
  json_decref(object);
}

void api_token_revoke(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  (void)body;
  bp_str id = read_last_segment(x, "/api/backplane/tokens/");
  if (!id.len)
    return;
  bp_status status = token_revoke(id, &err);
  if (status == BP_OK)
    reply_when_saved(x, 204, NULL);
  else
    reply_failure(x, status, &err);
}

void api_session(struct http_exchange *x, bp_str body) {
  char token[65], id[17];
  json_t *object = read_object(x, body);
  const char *code = object ? read_string(x, object, "code") : NULL;
  if (code && session_exchange(str_from(code), token, id)) {
    reply_json(x, 201, json_pack("{s:s, s:s}", "id", id, "token", token));
    explicit_bzero(token, sizeof(token));
  } else if (code) {
    reply_problem(x, 403, "the code is unknown, used or too old", "start the host again for a new link, or use a token");
  }
  json_decref(object);
}
