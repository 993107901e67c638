/* The metrics registry: plugins' metrics (bp.metrics/1) and the host's own, written out for /metrics. */
#ifndef HOST_LOADER_METRICS_H
#define HOST_LOADER_METRICS_H

#include "base/buf.h"

/* Appends everything in the Prometheus text format 0.0.4. */
void metrics_write(struct buf *out);

#endif
