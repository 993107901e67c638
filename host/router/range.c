/* Byte ranges; see range.h. Single ranges only: a server may ignore any Range (section 14.2). */
#include "router/range.h"
#include "base/str.h"
#include "http/exchange.h"
#include "router/condition.h"

static const struct range whole = {RANGE_WHOLE, 0, 0};
static const struct range unsatisfiable = {RANGE_UNSATISFIABLE, 0, 0};

/* Digits only; numbers beyond 64 bits are as good as the largest. */
static bool parse_position(bp_str text, uint64_t *ret) {
  uint64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
    if (digit > 9)
      return false;
    value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
  }
  *ret = value;
  return text.len > 0;
}

static struct range suffix_range(uint64_t count, uint64_t size_bytes) {
  if (count == 0 || size_bytes == 0)
    return unsatisfiable;
  uint64_t length = count < size_bytes ? count : size_bytes;
  return (struct range){RANGE_PART, size_bytes - length, length};
}

/* "first-last", "first-" or "-count". */
static struct range parse_range(bp_str spec, uint64_t size_bytes) {
  ptrdiff_t dash = str_find(spec, '-');
  uint64_t first, last = UINT64_MAX;
  if (dash < 0)
    return whole;
  bp_str after = bp_str_make(spec.ptr + dash + 1, spec.len - (size_t)dash - 1);
  if (dash == 0)
    return parse_position(after, &last) ? suffix_range(last, size_bytes) : whole;
  if (!parse_position(bp_str_make(spec.ptr, (size_t)dash), &first) || (after.len > 0 && !parse_position(after, &last)) || first > last)
    return whole;
  if (first >= size_bytes)
    return unsatisfiable;
  return (struct range){RANGE_PART, first, (last < size_bytes ? last : size_bytes - 1) - first + 1};
}

struct range range_of(const struct http_exchange *x, uint64_t size_bytes, bp_str etag, int64_t modified_s) {
  const bp_str unit = BP_STR("bytes=");
  bp_str value;
  if (x->method != HTTP_GET || !exchange_header(x, "Range", &value) || exchange_header_count(x, "Range") != 1)
    return whole;
  if (value.len <= unit.len || !str_ieq(bp_str_make(value.ptr, unit.len), unit) || !condition_range_holds(x, etag, modified_s))
    return whole;
  return parse_range(str_trim(bp_str_make(value.ptr + unit.len, value.len - unit.len)), size_bytes);
}

void range_write(struct buf *out, const struct range *range, uint64_t size_bytes) {
  buf_append_z(out, "bytes ");
  if (range->kind == RANGE_PART) {
    buf_append_u64(out, range->offset);
    buf_append_char(out, '-');
    buf_append_u64(out, range->offset + range->length - 1);
  } else {
    buf_append_char(out, '*');
  }
  buf_append_char(out, '/');
  buf_append_u64(out, size_bytes);
}
