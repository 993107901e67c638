/* Reading the query string of the host's own routes; see reply.h. */
#include "api/reply.h"
#include "base/buf.h"
#include "base/str.h"
#include "router/param.h"

bool query_value(bp_str query, bp_str name, struct buf *out) {
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

bool query_integer(struct http_exchange *x, const char *name, int64_t minimum, int64_t maximum, int64_t otherwise, int64_t *ret) {
  struct buf text = {0};
  *ret = otherwise;
  bool is_given = query_value(x->query, str_from(name), &text);
  bool is_good = !is_given || (str_to_i64(buf_str(&text), ret) && *ret >= minimum && *ret <= maximum);
  buf_release(&text);
  if (is_good)
    return true;
  buf_printf(&text, "\"%s\" is not a whole number from %lld to %lld", name, (long long)minimum, (long long)maximum);
  buf_append_char(&text, '\0');
  reply_problem(x, 400, text.data, NULL);
  buf_release(&text);
  return false;
}
