/* The metrics registry: plugins' metrics (bp.metrics/1) and the host's own, written out for /metrics. */
#ifndef HOST_LOADER_METRICS_H
#define HOST_LOADER_METRICS_H

#include "base/buf.h"
#include <backplane/metrics.h>

struct plugin;

/* Appends everything in the Prometheus text format 0.0.4. Main thread. */
void metrics_write(struct buf *out);
/* Its two parts: the host's own (host_metrics.c), and the plugins'. */
void metrics_write_host(struct buf *out);
void metrics_write_plugins(struct buf *out);
/* Appends `text` as the format wants it inside a label value's quotes. */
void metrics_append_label(struct buf *out, bp_str text);

/* Registers or finds a plugin's metric; revoked on drain. Main thread. */
bp_status metrics_declare(struct plugin *owner, uint32_t kind, bp_str name, bp_str help, bp_str label, bp_metric *ret);
/* What bp.metrics/1 says; any thread. */
void metrics_add(bp_metric metric, double delta);
void metrics_set(bp_metric metric, double value);
void metrics_observe(bp_metric metric, double value);

#endif
