/* The head of a request, read strictly (RFC 9112): bytes in, slices out. Pure: it knows no socket and no exchange.
 *
 * Give head_read all bytes received since the head began, as often as more have come; it goes on where it stopped, and the
 * result does not depend on how the bytes were split. Nothing is decoded here (see target.h). */
#ifndef HOST_HTTP_PARSER_H
#define HOST_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_FIELDS_MAX 100 /* http_limits.header_count may be lower */

/* Bytes of the head, as an offset from its start: the buffer may move between two reads. */
struct head_slice {
  uint32_t at, len;
};

struct head_field {
  struct head_slice name;
  struct head_slice value; /* without white space around it */
};

enum head_result { HEAD_MORE, HEAD_DONE, HEAD_ERROR };

struct head {
  uint32_t at;        /* start of the line being read; after HEAD_DONE the length of the head */
  uint32_t scanned;   /* no line end lies before this */
  uint32_t fields_at; /* where the header section begins */
  bool has_request_line;
  bool is_http10;
  bool has_host;
  bool has_length;
  bool has_transfer_encoding;
  bool says_close;
  bool says_keep_alive;
  bool expects_continue;
  uint16_t error_status; /* after HEAD_ERROR: 400, 414, 417, 431 or 505 */
  const char *error_text;
  struct head_slice method, target, host;
  int64_t content_length; /* -1: none */
  uint32_t field_count;
  struct head_field fields[HEAD_FIELDS_MAX];
};

void head_init(struct head *head);
enum head_result head_read(struct head *head, const char *data, size_t len);

#endif
