/* Byte ranges, RFC 9110 section 14: which part of a file a request asks for. */
#ifndef HOST_ROUTER_RANGE_H
#define HOST_ROUTER_RANGE_H

#include "base/buf.h"
#include <backplane/base.h>
#include <stdint.h>

struct http_exchange;

enum range_kind {
  RANGE_WHOLE,        /* 200: no Range, one we do not serve (several, another unit, another method), or If-Range failed */
  RANGE_PART,         /* 206: `offset` and `length` */
  RANGE_UNSATISFIABLE /* 416 */
};

struct range {
  enum range_kind kind;
  uint64_t offset;
  uint64_t length;
};

struct range range_of(const struct http_exchange *x, uint64_t size_bytes, bp_str etag, int64_t modified_s);
/* The Content-Range of a 206 or 416. */
void range_write(struct buf *out, const struct range *range, uint64_t size_bytes);

#endif
