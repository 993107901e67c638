/* Conditional requests; see condition.h. Ranges themselves are in range.c. */
#include "router/condition.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/exchange.h"
#include "router/http_date.h"

/* ---- Entity tags, section 8.8.3 ---- */

struct entity_tag {
  bp_str opaque; /* without the quotes */
  bool is_weak;
};

bool condition_is_tag(bp_str etag) {
  for (size_t i = 0; i < etag.len; i++) {
    unsigned char c = (unsigned char)etag.ptr[i];
    if (c < 0x21 || c == '"' || c >= 0x7F)
      return false;
  }
  return etag.len > 0;
}

/* Cuts the next tag of a list off *rest. False at its end, and at anything that is not a tag. */
static bool next_tag(bp_str *rest, struct entity_tag *ret) {
  size_t i = 0;
  while (i < rest->len && (rest->ptr[i] == ' ' || rest->ptr[i] == '\t' || rest->ptr[i] == ','))
    i++;
  ret->is_weak = i + 1 < rest->len && rest->ptr[i] == 'W' && rest->ptr[i + 1] == '/';
  if (ret->is_weak)
    i += 2;
  if (i >= rest->len || rest->ptr[i] != '"')
    return false;
  bp_str opaque = bp_str_make(rest->ptr + i + 1, rest->len - i - 1);
  ptrdiff_t end = str_find(opaque, '"');
  if (end < 0)
    return false;
  ret->opaque = bp_str_make(opaque.ptr, (size_t)end);
  *rest = bp_str_make(opaque.ptr + end + 1, opaque.len - (size_t)end - 1);
  return true;
}

/* True if any header line of that name holds our tag, or "*". A strong comparison finds no weak tag. */
static bool lists_tag(const struct http_exchange *x, bp_str name, bp_str etag, bool is_strong) {
  for (uint32_t i = 0; i < x->header_count; i++) {
    if (!str_ieq(x->headers[i].name, name))
      continue;
    bp_str rest = x->headers[i].value;
    struct entity_tag tag;
    if (str_eq(str_trim(rest), BP_LIT("*")))
      return true;
    while (next_tag(&rest, &tag))
      if (etag.len > 0 && str_eq(tag.opaque, etag) && !(is_strong && tag.is_weak))
        return true;
  }
  return false;
}

/* ---- Preconditions, in the order of section 13.2.2 ---- */

/* A date that cannot be read, or compared with, is as if it had not been sent. */
static bool date_of(const struct http_exchange *x, const char *name, int64_t modified_s, int64_t *ret) {
  bp_str value;
  return modified_s != 0 && exchange_header(x, name, &value) && http_date_parse(value, ret);
}

unsigned condition_decide(const struct http_exchange *x, bp_str etag, int64_t modified_s) {
  bp_str value;
  int64_t date_s;
  bool is_read = x->method == HTTP_GET || x->method == HTTP_HEAD;
  if (exchange_header(x, "If-Match", &value)) {
    if (!lists_tag(x, BP_LIT("If-Match"), etag, true))
      return 412;
  } else if (date_of(x, "If-Unmodified-Since", modified_s, &date_s) && modified_s > date_s) {
    return 412;
  }
  if (exchange_header(x, "If-None-Match", &value)) {
    if (lists_tag(x, BP_LIT("If-None-Match"), etag, false))
      return is_read ? 304 : 412;
  } else if (is_read && date_of(x, "If-Modified-Since", modified_s, &date_s) && modified_s <= date_s) {
    return 304;
  }
  return 0;
}

unsigned condition_check(struct http_exchange *x, bp_str etag, int64_t modified_s) {
  bp_str tag = condition_is_tag(etag) ? etag : bp_str_make(NULL, 0);
  unsigned status = condition_decide(x, tag, modified_s);
  if (status == 412)
    return status;
  if (tag.len > 0) {
    struct buf quoted = {0};
    buf_append_char(&quoted, '"');
    buf_append_str(&quoted, tag);
    buf_append_char(&quoted, '"');
    if (!quoted.failed)
      exchange_header_add(x, BP_LIT("ETag"), buf_str(&quoted));
    buf_release(&quoted);
  }
  if (modified_s != 0) {
    char date[HTTP_DATE_BYTES];
    http_date_format(modified_s, date);
    if (date[0] != '\0')
      exchange_header_add(x, BP_LIT("Last-Modified"), str_from(date));
  }
  return status;
}

bool condition_range_holds(const struct http_exchange *x, bp_str etag, int64_t modified_s) {
  bp_str value;
  struct entity_tag tag;
  int64_t date_s;
  if (!exchange_header(x, "If-Range", &value))
    return true;
  if (exchange_header_count(x, "If-Range") != 1)
    return false;
  if (http_date_parse(value, &date_s))
    return modified_s != 0 && modified_s == date_s;
  return next_tag(&value, &tag) && !tag.is_weak && value.len == 0 && etag.len > 0 && str_eq(tag.opaque, etag);
}
