/* AMP version 1, the framing of PM2's sockets: a byte (version << 4 | count), then for each argument a big-endian length and its bytes.
 *
 * The reader takes bytes as they come, split and merged anyhow, and gives whole frames; it never holds more than one frame's limit and what
 * one read added. Arguments carry their type in front: "s:" text, "j:" JSON. */
#ifndef DEPLOYMENTS_AMP_H
#define DEPLOYMENTS_AMP_H

#include <backplane/base.h>
#include <stdbool.h>

#define AMP_ARGUMENTS_MOST 15
#define AMP_FRAME_MOST (8u * 1024 * 1024) /* a list of processes holds the environment of each */

struct amp {
  char *data;
  size_t len, room, taken; /* taken: bytes of frames that have been given */
};

struct amp_frame {
  unsigned count;
  bp_str arguments[AMP_ARGUMENTS_MOST]; /* borrowed until the next call */
};

enum amp_result { AMP_FRAME, AMP_MORE, AMP_BROKEN };

bool amp_add(struct amp *amp, const char *bytes, size_t len); /* false: no memory */
/* The next whole frame. AMP_BROKEN: this is no AMP, or beyond the limit; the connection is of no use any more. */
enum amp_result amp_next(struct amp *amp, struct amp_frame *ret);
void amp_release(struct amp *amp);
/* The frame of two arguments, "j:<json>" and "s:<id>", as one allocation; NULL without memory or beyond the limit. */
char *amp_request(bp_str json, bp_str id, size_t *ret_len);
/* What follows the type, if it is the one named ('j' or 's'); NULL ptr otherwise. */
bp_str amp_typed(const struct amp_frame *frame, unsigned index, char type);

#endif
