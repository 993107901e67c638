/* What a plugin's file says of itself, as JSON: for `backplane inspect` and the probe before a reload. */
#ifndef HOST_LOADER_INSPECT_H
#define HOST_LOADER_INSPECT_H

#include "base/buf.h"
#include <backplane/base.h>

/* Opens the file (with all checks), appends one JSON object and closes it again; nothing is started. Opening a library runs
 * its constructors, so callers do this in a child process. Needs no running host. */
bp_status inspect_json(const char *path, struct buf *out, bp_error *err);

#endif
