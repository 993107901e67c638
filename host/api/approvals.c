/* Approvals for people: GET /api/backplane/approvals, one by its id, and POST …/ID/approve and …/ID/deny. */
#include "policy/approvals.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/fail.h"
#include "base/str.h"

#include <string.h>

#define ROWS_DEFAULT 100
#define ROWS_MOST 1000
#define PREFIX "/api/backplane/approvals/"

void api_approvals(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  struct buf state = {0};
  int64_t after, limit;
  (void)body;
  if (!query_integer(x, "after", 0, INT64_MAX, 0, &after) || !query_integer(x, "limit", 1, ROWS_MOST, ROWS_DEFAULT, &limit))
    return;
  query_value(x->query, BP_LIT("state"), &state);
  struct waiting *waiting = waiting_begin(x);
  bp_status status = approvals_list(after, buf_str(&state), (uint32_t)limit, waiting_answer, waiting, &err);
  if (status != BP_OK)
    waiting_refuse(waiting, status, &err);
  buf_release(&state);
}

static void read_one(struct http_exchange *x, bp_str id, approval_read_fn done) {
  bp_error err = BP_ERROR_INIT;
  struct waiting *waiting = waiting_begin(x);
  bp_status status = approvals_get(id, done, waiting, &err);
  if (status != BP_OK)
    waiting_refuse(waiting, status, &err);
}

void api_approval(struct http_exchange *x, bp_str body) {
  (void)body;
  bp_str id = read_last_segment(x, PREFIX);
  if (id.len)
    read_one(x, id, waiting_answer);
}

/* ---- Deciding ---- */

static void decided(void *ctx, bp_status status, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  if (x && status == BP_OK)
    reply_json(x, 200, json_pack("{s:b}", "ok", 1));
  else if (x)
    reply_failure(x, status, err);
}

/* What cannot be decided is not there, or has been decided: the row tells which. */
static void explain(void *ctx, json_t *found, bp_status status, const bp_error *err) {
  struct http_exchange *x = waiting_end(ctx);
  struct buf text = {0};
  if (x && status != BP_OK)
    reply_failure(x, status, err);
  if (!x || status != BP_OK)
    return;
  buf_printf(&text, "the approval is not pending any more: it is %s", json_string_value(json_object_get(found, "state")));
  buf_append_char(&text, '\0');
  reply_problem(x, 409, text.data, NULL);
  buf_release(&text);
}

static void decide_one(struct http_exchange *x, bp_str id, bool approves, bp_str note) {
  bp_error err = BP_ERROR_INIT;
  struct waiting *waiting = waiting_begin(x);
  bp_status status = approvals_decide(id, approves, str_from(x->who.principal), note, decided, waiting, &err);
  if (status == BP_OK)
    return;
  waiting_end(waiting);
  if (status == BP_E_NOT_FOUND)
    read_one(x, id, explain);
  else
    reply_failure(x, status, &err);
}

/* "ID/approve" or "ID/deny". */
static bool split(bp_str rest, bp_str *ret_id, bool *ret_approves) {
  ptrdiff_t slash = str_find(rest, '/');
  if (slash <= 0)
    return false;
  *ret_id = bp_str_make(rest.ptr, (size_t)slash);
  bp_str verb = bp_str_make(rest.ptr + slash + 1, rest.len - (size_t)slash - 1);
  *ret_approves = str_eq(verb, BP_LIT("approve"));
  return *ret_approves || str_eq(verb, BP_LIT("deny"));
}

void api_approval_decide(struct http_exchange *x, bp_str body) {
  size_t skip = strlen(PREFIX);
  bp_str id;
  bool approves;
  if (!split(bp_str_make(x->path.ptr + skip, x->path.len - skip), &id, &approves)) {
    reply_problem(x, 404, "nothing is served at this path", "POST " PREFIX "ID/approve or ID/deny");
    return;
  }
  json_t *object = body.len ? read_object(x, body) : json_object();
  if (!object)
    return;
  const json_t *reason = json_object_get(object, "reason");
  if (reason && !json_is_string(reason))
    reply_problem(x, 400, "\"reason\" is not a string", NULL);
  else
    decide_one(x, id, approves, str_from(json_string_value(reason)));
  json_decref(object);
}
