/* Byte strings of the host: comparing, copying and scanning bp_str. Nothing here knows about encodings beyond ASCII case. */
#ifndef HOST_BASE_STR_H
#define HOST_BASE_STR_H

#include <backplane/base.h>
#include <stdbool.h>

/* The string up to its NUL; an empty one for NULL. */
bp_str str_from(const char *z);
bool str_eq(bp_str a, bp_str b);
/* Equality ignoring ASCII case. */
bool str_ieq(bp_str a, bp_str b);
bool str_starts(bp_str s, bp_str prefix);
bool str_ends(bp_str s, bp_str suffix);
/* Index of the first `byte`, or -1. */
ptrdiff_t str_find(bp_str s, char byte);
/* Cuts off spaces and tabs at both ends. */
bp_str str_trim(bp_str s);
/* The length of the longest part from the start with at most `limit` bytes that does not end inside a UTF-8 sequence. */
size_t str_cut(bp_str s, size_t limit);
/* A NUL-terminated heap copy, owned by the caller; aborts without memory. */
char *str_dupz(bp_str s);
/* Strict decimal: digits with an optional leading '-', no more, within int64_t. */
bool str_to_i64(bp_str s, int64_t *ret);
/* True for well-formed UTF-8 (no overlong forms, surrogates or values over U+10FFFF). */
bool str_is_utf8(bp_str s);
/* Levenshtein distance, for "did you mean"; strings over 64 bytes count as far away. */
unsigned str_distance(bp_str a, bp_str b);

#endif
