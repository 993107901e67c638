/* Content-Disposition of answers, RFC 6266. */
#ifndef HOST_ROUTER_DISPOSITION_H
#define HOST_ROUTER_DISPOSITION_H

#include "base/buf.h"
#include <backplane/base.h>
#include <stdbool.h>

/* Writes `attachment` or `inline`, then filename="x" for a name of letters, digits and "-._~", else filename*=utf-8'' with
 * everything but those percent-encoded. An empty name writes no parameter. */
void disposition_write(struct buf *out, bool is_attachment, bp_str filename);

#endif
