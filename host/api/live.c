/* GET /api/backplane/live?topics=&from=: the live log as an event stream, for clients of no family. */
#include "live/live.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/str.h"
#include "router/param.h"

/* The decoded value of a query parameter, appended to `out`; false where it is absent or there is no memory. */
static bool query_value(bp_str query, bp_str name, struct buf *out) {
  while (query.len > 0) {
    ptrdiff_t end = str_find(query, '&');
    bp_str pair = bp_str_make(query.ptr, end < 0 ? query.len : (size_t)end);
    query = end < 0 ? bp_str_make(NULL, 0) : bp_str_make(query.ptr + end + 1, query.len - (size_t)end - 1);
    ptrdiff_t equals = str_find(pair, '=');
    if (equals < 0 || !str_eq(bp_str_make(pair.ptr, (size_t)equals), name))
      continue;
    bp_str value = bp_str_make(pair.ptr + equals + 1, pair.len - (size_t)equals - 1);
    char *room = buf_reserve(out, value.len + 1);
    if (room)
      out->len += query_decode(value, room);
    return room != NULL;
  }
  return false;
}

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
