/* An incremental parser of multipart/form-data, RFC 7578 over RFC 2046 section 5.1. Strict: what no client sends is refused.
 *
 * It keeps at most one part's headers; data goes straight to the events, in whatever pieces it came. Nothing is decoded, no
 * file is touched here (see upload.c and spool.c). Any thread. */
#ifndef HOST_ROUTER_MULTIPART_H
#define HOST_ROUTER_MULTIPART_H

#include "base/buf.h"
#include <backplane/base.h>
#include <stdbool.h>

#define MULTIPART_BOUNDARY_MAX 70
#define MULTIPART_PARTS_MAX 64
#define MULTIPART_HEADER_BYTES_MAX 8192
#define MULTIPART_HEADERS_MAX 16
#define MULTIPART_NAME_BYTES_MAX 256
#define MULTIPART_FILENAME_BYTES_MAX 1024

/* What a part's headers say. Strings are valid for the call. */
struct multipart_head {
  bp_str name;
  bp_str filename; /* UTF-8 without control characters; from filename*= if that is given */
  bp_str content_type;
  bool is_file; /* it has a file name, maybe an empty one */
};

/* Each returns false to stop: multipart_feed then fails without an error text of its own. */
struct multipart_events {
  bool (*part)(void *ctx, const struct multipart_head *head);
  bool (*data)(void *ctx, bp_str bytes); /* of the part begun last; never empty */
  bool (*end)(void *ctx);                /* of that part */
};

enum multipart_state {
  MULTIPART_DELIMITER, /* matching CRLF "--" boundary, maybe in data */
  MULTIPART_AFTER,     /* behind it: "--", padding or CRLF */
  MULTIPART_CLOSING,   /* one '-' seen */
  MULTIPART_PADDING,
  MULTIPART_LINE_END, /* CR seen */
  MULTIPART_HEADERS,
  MULTIPART_EPILOGUE, /* behind the last delimiter: ignored */
  MULTIPART_FAILED
};

struct multipart {
  const struct multipart_events *events;
  void *ctx;
  enum multipart_state state;
  bool is_in_part; /* false before the first delimiter */
  unsigned parts;
  size_t matched; /* bytes of the delimiter */
  size_t delimiter_len;
  char delimiter[4 + MULTIPART_BOUNDARY_MAX]; /* CRLF "--" boundary */
  struct buf headers;
  const char *error; /* why it failed: a sentence for the client, or NULL when an event said stop */
  bool is_limit;     /* the error is a limit's (413) rather than the syntax's (400) */
};

/* Reads the boundary of a multipart/form-data Content-Type. BP_E_UNSUPPORTED: another type; BP_E_PARSE: no or a bad boundary. */
bp_status multipart_boundary(bp_str content_type, bp_str *ret);
/* Parses a part's header block (lines ending in CRLF, without the empty one) in place. NULL, or what is wrong with it. */
const char *multipart_parse_head(char *block, size_t len, struct multipart_head *ret);

void multipart_init(struct multipart *m, bp_str boundary, const struct multipart_events *events, void *ctx);
/* Takes bytes. False: failed, nothing more may be fed. */
bool multipart_feed(struct multipart *m, bp_str bytes);
/* The body has ended. False unless its last delimiter was seen. */
bool multipart_finish(struct multipart *m);
void multipart_release(struct multipart *m);

#endif
