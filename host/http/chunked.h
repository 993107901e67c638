/* The chunked transfer coding, decoded strictly (RFC 9112 section 7.1). Pure; data is handed out where it lies.
 *
 * Refused: sizes over 16 digits or 63 bits, white space around a size, a bare line feed, long extensions, folded or
 * malformed trailers and more of them than http_limits allows. Extensions and trailers are checked and thrown away. */
#ifndef HOST_HTTP_CHUNKED_H
#define HOST_HTTP_CHUNKED_H

#include <backplane/base.h>
#include <stdint.h>

enum chunk_state {
  CHUNK_SIZE,
  CHUNK_EXTENSION,
  CHUNK_SIZE_LF,
  CHUNK_BODY,
  CHUNK_BODY_CR,
  CHUNK_BODY_LF,
  CHUNK_TRAILER,
  CHUNK_TRAILER_NAME,
  CHUNK_TRAILER_VALUE,
  CHUNK_TRAILER_LF,
  CHUNK_LAST_LF
};

/* Zeroed: ready for the first byte. */
struct chunked {
  uint8_t state; /* enum chunk_state */
  uint8_t digits;
  uint16_t extension_bytes; /* of this chunk */
  uint32_t line_bytes;      /* of this trailer */
  uint32_t trailer_bytes, trailer_count;
  uint64_t left; /* bytes of this chunk still to come */
};

enum chunk_result { CHUNK_MORE, CHUNK_DATA, CHUNK_END, CHUNK_ERROR };

/* Reads until there is data to hand out (*ret_data, a part of `bytes`), the body ends, or `bytes` is used up. */
enum chunk_result chunked_read(struct chunked *c, bp_str bytes, size_t *ret_used, bp_str *ret_data);
/* Bytes of the current chunk that are announced and have not come: known before they arrive. */
uint64_t chunked_announced(const struct chunked *c);

#endif
