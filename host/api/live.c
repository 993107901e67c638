/* GET /api/backplane/live?topics=&from=: the live log as an event stream, for clients of no family. */
#include "live/live.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/str.h"

void api_live(struct http_exchange *x, bp_str body) {
  struct buf topics = {0}, start = {0};
  int64_t from = -1;
  (void)body;
  query_value(x->query, BP_LIT("topics"), &topics);
  bool is_given = query_value(x->query, BP_LIT("from"), &start);
  if (is_given && (!str_to_i64(buf_str(&start), &from) || from < 0))
    reply_problem(x, 400, "\"from\" is not a sequence number", "leave it out to start now, or take the id of the last event seen");
  else
    live_serve_host_sse(x, buf_str(&topics), is_given ? (uint64_t)from : BP_LIVE_FROM_NOW);
  buf_release(&topics);
  buf_release(&start);
}
