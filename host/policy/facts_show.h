/* Facts as people may see them, in the audit and in approvals: secrets masked, cut to a length. */
#ifndef HOST_POLICY_FACTS_SHOW_H
#define HOST_POLICY_FACTS_SHOW_H

#include "base/buf.h"
#include <jansson.h>
#include <stdbool.h>

#define FACTS_SHOWN_BYTES 8192

/* Appends the facts as JSON text of at most FACTS_SHOWN_BYTES. Members whose names say that they are secret are replaced by
 * "***", and what looks like a credential inside a text is overwritten. True: the text was cut, and so is JSON no more. */
bool facts_show(const json_t *facts, struct buf *out);

#endif
