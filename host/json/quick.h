/* Reading JSON that is plainly well-formed: several times as fast as the library, whose tree it builds. What it does not read is left to the
 * library, which alone says what is wrong; what it reads, the library reads as the same value (fuzz_json.c holds them side by side). */
#ifndef HOST_JSON_QUICK_H
#define HOST_JSON_QUICK_H

#include "json/json.h"

/* The value of `text`, which is UTF-8; NULL says nothing but that this is not for here. Any thread. */
json_t *quick_read(bp_str text, const struct doc_limits *limits);

#endif
