/* What may stand in a header that a plugin names the value of. */
#ifndef HOST_ROUTER_HEADER_TEXT_H
#define HOST_ROUTER_HEADER_TEXT_H

#include <backplane/base.h>
#include <stdbool.h>

/* Printable ASCII: nothing that could end the header line. */
static inline bool is_header_text(bp_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < ' ' || s.ptr[i] > '~')
      return false;
  return s.len <= 8192;
}

#endif
