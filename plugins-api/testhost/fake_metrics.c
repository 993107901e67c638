/* bp.metrics/1 of the fake host: one number a metric. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

#define METRICS_MAX 256u

static struct metric {
  const char *name;
  uint32_t kind;
  double value;
} metrics[METRICS_MAX];
static uint32_t metric_count;

/* The metric's number counted from 1, which is its handle, or 0. */
static uint32_t find(const char *name) {
  for (uint32_t i = 0; i < metric_count; i++)
    if (strcmp(metrics[i].name, name) == 0)
      return i + 1;
  return 0;
}

static bp_status declare(bp_plugin self, uint32_t kind, bp_str name, bp_str help, bp_str label, bp_metric *ret) {
  const char *known = fake_keep(name);
  uint32_t found = find(known);
  (void)self;
  (void)help;
  (void)label;
  if (!found) {
    if (metric_count == METRICS_MAX)
      return BP_E_LIMIT;
    metrics[metric_count++] = (struct metric){.name = known, .kind = kind};
    found = metric_count;
  }
  *ret = found;
  return BP_OK;
}

static struct metric *of(bp_metric metric) {
  return metric > 0 && metric <= metric_count ? &metrics[metric - 1] : NULL;
}

static void add(bp_metric metric, double delta) {
  struct metric *found = of(metric);
  if (found && found->kind != BP_METRIC_HISTOGRAM)
    found->value += delta;
}

static void set(bp_metric metric, double value) {
  struct metric *found = of(metric);
  if (found && found->kind == BP_METRIC_GAUGE)
    found->value = value;
}

static void observe(bp_metric metric, double value) {
  struct metric *found = of(metric);
  (void)value;
  if (found && found->kind == BP_METRIC_HISTOGRAM)
    found->value += 1;
}

double bp_testhost_metric(const char *name) {
  uint32_t found = find(name);
  if (!found)
    fake_misuse("the plugin declared no metric \"%s\"", name);
  return metrics[found - 1].value;
}

void fake_metrics_reset(void) {
  metric_count = 0;
}

const bp_metrics_1 fake_metrics_table = {.size = sizeof(bp_metrics_1), .declare = declare, .add = add, .set = set, .observe = observe};
