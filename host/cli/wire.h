/* One request over the control socket of the running host, whose answer is read as it comes: for commands that bridge event streams. */
#ifndef HOST_CLI_WIRE_H
#define HOST_CLI_WIRE_H

#include "base/buf.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed before wire_open. Used by one thread. */
struct wire {
  int fd;
  int64_t status;
  struct buf in; /* what has come of the body and is not yet used */
};

/* Sends the request (`body` and `last_event` may be NULL) and reads the answer's head. False: no host, or no HTTP; nothing to close. */
bool wire_open(struct wire *wire, const char *state_dir, const char *method, const char *target, const json_t *body, const char *last_event);
/* The next line of the body without its end, into `line` (cleared first). False: the body has ended. */
bool wire_line(struct wire *wire, struct buf *line);
/* The whole body as JSON, or NULL. */
json_t *wire_json(struct wire *wire);
void wire_close(struct wire *wire);

#endif
