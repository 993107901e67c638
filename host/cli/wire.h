/* One request over the control socket of the running host, whose answer is read as it comes. For commands only; used by one thread.
 *
 * HTTP/1.0, so that a body ends where the connection does. What an answer means is its caller's: client.h for most commands. */
#ifndef HOST_CLI_WIRE_H
#define HOST_CLI_WIRE_H

#include "base/buf.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define WIRE_EVENT_ID_BYTES 64

struct wire_request {
  const char *state_dir, *method, *target;
  bp_str headers;        /* further lines, each with its CRLF; may be empty */
  bp_str body;           /* JSON; empty: none */
  unsigned wait_seconds; /* for the next bytes; 0: for ever, as event streams need it */
};

/* Zeroed before wire_open. */
struct wire {
  int fd;
  int64_t status;
  struct buf head; /* of the answer, with its last empty line */
  struct buf in;   /* what has come of the body and is not yet used */
};

/* A connected control socket, or -1 with errno. */
int wire_connect(const char *state_dir, unsigned wait_seconds);
/* Sends the request and reads the answer's head. False: no host, or no HTTP; errno says which (EPROTO), and there is nothing to close. */
bool wire_open(struct wire *wire, const struct wire_request *request);
/* The value of the answer's header of this name in lower case, or an empty string. Borrowed. */
bp_str wire_header(const struct wire *wire, const char *name);
/* The next line of the body without its end, into `line` (cleared first). False: the body has ended. */
bool wire_line(struct wire *wire, struct buf *line);
/* The data (one line) of an event stream's next event that has any, into `data`. An event counts when its empty line has come, and with it
 * its id, into `last_event`: one that breaks off is not given, and comes again. False: the stream has ended. */
bool wire_event(struct wire *wire, struct buf *data, char last_event[WIRE_EVENT_ID_BYTES]);
/* The rest of the body. False: it broke off, or is longer than 64 MiB. */
bool wire_rest(struct wire *wire);
/* The whole body as JSON, or NULL; the text stays in wire.in. */
json_t *wire_json(struct wire *wire);
void wire_close(struct wire *wire);

#endif
