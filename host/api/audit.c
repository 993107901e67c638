/* GET /api/backplane/audit?after=&limit=&set=&verdict=&principal=, and one row by its id. */
#include "policy/audit.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/str.h"

#define ROWS_DEFAULT 100
#define ROWS_MOST 1000

void api_audit(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  struct buf set = {0}, verdict = {0}, principal = {0};
  int64_t after, limit;
  (void)body;
  if (!query_integer(x, "after", 0, INT64_MAX, 0, &after) || !query_integer(x, "limit", 1, ROWS_MOST, ROWS_DEFAULT, &limit))
    return;
  query_value(x->query, BP_LIT("set"), &set);
  query_value(x->query, BP_LIT("verdict"), &verdict);
  query_value(x->query, BP_LIT("principal"), &principal);
  const struct audit_filter filter = {
      .after = after, .set = buf_str(&set), .verdict = buf_str(&verdict), .principal = buf_str(&principal), .limit = (uint32_t)limit};
  struct waiting *waiting = waiting_begin(x);
  bp_status status = audit_list(&filter, waiting_answer, waiting, &err);
  if (status != BP_OK)
    waiting_refuse(waiting, status, &err);
  buf_release(&set);
  buf_release(&verdict);
  buf_release(&principal);
}

void api_audit_entry(struct http_exchange *x, bp_str body) {
  bp_error err = BP_ERROR_INIT;
  int64_t id;
  (void)body;
  bp_str segment = read_last_segment(x, "/api/backplane/audit/");
  if (!segment.len)
    return;
  if (!str_to_i64(segment, &id)) {
    reply_problem(x, 404, "the audit has no row of this id", NULL);
    return;
  }
  struct waiting *waiting = waiting_begin(x);
  bp_status status = audit_get(id, waiting_answer, waiting, &err);
  if (status != BP_OK)
    waiting_refuse(waiting, status, &err);
}
