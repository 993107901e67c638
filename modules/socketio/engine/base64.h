/* Base64 (RFC 4648 section 4) of binary packets in HTTP payloads, and the alphabet of ids (section 5). Pure functions. */
#ifndef SOCKETIO_BASE64_H
#define SOCKETIO_BASE64_H

#include <backplane/base.h>
#include <stdbool.h>

/* Bytes that `len` bytes take encoded, with padding. */
#define BASE64_BYTES(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_BYTES(data.len) bytes. */
void base64_encode(bp_str data, char *out);
/* Writes at most text.len / 4 * 3 bytes, and how many, or returns false for text that is no base64. Missing padding is taken. */
bool base64_decode(bp_str text, char *out, size_t *ret_len);
/* `count` characters of A-Z a-z 0-9 - _ from as many random bytes, in place. */
void base64_id(char *bytes, size_t count);

#endif
