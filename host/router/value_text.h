/* How values are spelled in paths, queries and headers. Knows no requests; plugins' unit tests use it too. */
#ifndef HOST_ROUTER_VALUE_TEXT_H
#define HOST_ROUTER_VALUE_TEXT_H

#include <backplane/base.h>
#include <stdbool.h>

/* A value as its declared type: numbers and words as the types of http.h say. */
bool param_to_integer(bp_str text, int64_t *ret);
bool param_to_boolean(bp_str text, uint32_t *ret);
bool param_to_real(bp_str text, double *ret);

/* Undoes %XX, and '+' for a space, in place of form encoding. Escapes that are none stay as they are. Returns the length;
 * `out` has room for text.len bytes. */
size_t query_decode(bp_str text, char *out);

#endif
