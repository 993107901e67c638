/* Numbers as JSON text: shared by doc_write and the writer handles. Private to host/json. */
#ifndef HOST_JSON_SCALARS_H
#define HOST_JSON_SCALARS_H

#include "base/buf.h"

void scalar_integer(struct buf *out, int64_t value);
/* `value` must be finite. */
void scalar_real(struct buf *out, double value);

#endif
