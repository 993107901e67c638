/* bp.metrics/1: counters, gauges and histograms, served at /metrics in the Prometheus text format 0.0.4.
 * The exported name is backplane_<plugin id with dots and dashes as _>_<name>. */
#ifndef BACKPLANE_METRICS_H
#define BACKPLANE_METRICS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BP_METRICS_1 "bp.metrics/1"

#define BP_METRIC_COUNTER 1u
#define BP_METRIC_GAUGE 2u
#define BP_METRIC_HISTOGRAM 3u /* fixed buckets from 100 us to 10 s, observations in seconds */

typedef struct bp_metrics_1 {
  uint32_t size;
  /* Registers (or finds) a metric. `name`: [a-z][a-z0-9_]*, unit last ("_bytes", "_seconds", counters end in "_total").
   * `label` is one fixed "key=value" pair or empty. Revoked when the plugin drains. BP_E_LIMIT after 256 per plugin. [main] */
  bp_status (*declare)(bp_plugin self, uint32_t kind, bp_str name, bp_str help, bp_str label, bp_metric *ret);
  /* Adds to a counter or gauge; sets a gauge; observes into a histogram. Wrong kinds and stale handles do nothing. [any] */
  void (*add)(bp_metric metric, double delta);
  void (*set)(bp_metric metric, double value);
  void (*observe)(bp_metric metric, double value);
} bp_metrics_1;

#ifdef __cplusplus
}
#endif

#endif
