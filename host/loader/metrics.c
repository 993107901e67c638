/* Plugins' metrics: registry, updates from any thread, and the text they are written as; see metrics.h. */
#include "loader/metrics.h"
#include "base/mem.h"
#include "base/slots.h"
#include "base/str.h"
#include "loader/plugin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define METRICS_PER_PLUGIN 256

static const double bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
#define BOUND_COUNT (sizeof(bounds) / sizeof(bounds[0]))

struct metric {
  struct owned owned; /* first: revoke gets a pointer to it */
  bp_metric handle;
  struct plugin *owner;
  struct metric *next; /* in order of declaration */
  uint32_t kind;
  char *name; /* as exported */
  char *help;
  char *label;  /* "key=value", or "" */
  double value; /* counter, gauge; the sum of a histogram */
  uint64_t observations;
  uint64_t buckets[BOUND_COUNT]; /* not cumulated */
};

static struct {
  pthread_mutex_t lock; /* guards the table and all values */
  struct slots handles;
  struct metric *first;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void metric_revoke(struct owned *self) {
  struct metric *metric = (struct metric *)self;
  owned_remove(self);
  pthread_mutex_lock(&registry.lock);
  slots_remove(&registry.handles, metric->handle);
  struct metric **at = &registry.first;
  while (*at != metric)
    at = &(*at)->next;
  *at = metric->next;
  pthread_mutex_unlock(&registry.lock);
  free(metric->name);
  free(metric->help);
  free(metric->label);
  free(metric);
}

/* "backplane_<id with dots and dashes as _>_<name>" */
static char *exported_name(const struct plugin *owner, bp_str name) {
  struct buf text = {0};
  buf_printf(&text, "backplane_%s_", owner->id);
  buf_append_str(&text, name);
  for (size_t i = 0; i < text.len; i++)
    if (text.data[i] == '.' || text.data[i] == '-')
      text.data[i] = '_';
  char *copy = str_dupz(buf_str(&text));
  buf_release(&text);
  return copy;
}

static bool is_same(const struct metric *metric, const char *name, bp_str label) {
  return strcmp(metric->name, name) == 0 && str_eq(str_from(metric->label), label);
}

static bp_status metric_add(struct plugin *owner, uint32_t kind, char *name, bp_str help, bp_str label, bp_metric *ret) {
  struct metric *metric = mem_alloc(sizeof(*metric));
  *metric = (struct metric){.owner = owner, .kind = kind, .name = name, .help = str_dupz(help), .label = str_dupz(label)};
  pthread_mutex_lock(&registry.lock);
  metric->handle = slots_add(&registry.handles, metric);
  struct metric **end = &registry.first;
  while (*end)
    end = &(*end)->next;
  *end = metric;
  pthread_mutex_unlock(&registry.lock);
  owned_add(owner, &metric->owned, metric_revoke);
  *ret = metric->handle;
  return BP_OK;
}

/* Main is the only thread that adds and removes, so it may read the list without the lock. */
bp_status metrics_declare(struct plugin *owner, uint32_t kind, bp_str name, bp_str help, bp_str label, bp_metric *ret) {
  unsigned count = 0;
  char *exported = exported_name(owner, name);
  bp_status status = BP_OK;
  struct metric *metric = registry.first;
  for (; metric; metric = metric->next) {
    count += metric->owner == owner;
    if (strcmp(metric->name, exported) == 0 && metric->kind != kind)
      status = BP_E_EXISTS;
    if (is_same(metric, exported, label))
      break;
  }
  if (status == BP_OK && !metric && count < METRICS_PER_PLUGIN)
    return metric_add(owner, kind, exported, help, label, ret);
  free(exported);
  if (status == BP_OK && !metric)
    return BP_E_LIMIT;
  if (status == BP_OK && metric->owner != owner)
    return BP_E_EXISTS;
  if (status == BP_OK)
    *ret = metric->handle;
  return status;
}

/* ---- Updates ---- */

static struct metric *lock_metric(bp_metric handle) {
  pthread_mutex_lock(&registry.lock);
  return slots_get(&registry.handles, handle);
}

void metrics_add(bp_metric handle, double delta) {
  struct metric *metric = lock_metric(handle);
  if (metric && (metric->kind == BP_METRIC_GAUGE || (metric->kind == BP_METRIC_COUNTER && delta >= 0)))
    metric->value += delta;
  pthread_mutex_unlock(&registry.lock);
}

void metrics_set(bp_metric handle, double value) {
  struct metric *metric = lock_metric(handle);
  if (metric && metric->kind == BP_METRIC_GAUGE)
    metric->value = value;
  pthread_mutex_unlock(&registry.lock);
}

void metrics_observe(bp_metric handle, double value) {
  struct metric *metric = lock_metric(handle);
  if (metric && metric->kind == BP_METRIC_HISTOGRAM) {
    metric->value += value;
    metric->observations++;
    for (unsigned i = 0; i < BOUND_COUNT; i++)
      if (value <= bounds[i]) {
        metric->buckets[i]++;
        break;
      }
  }
  pthread_mutex_unlock(&registry.lock);
}

/* ---- Text ---- */

void metrics_append_label(struct buf *out, bp_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '\\' || c == '"' || c == '\n')
      buf_append_char(out, '\\');
    buf_append_char(out, c == '\n' ? 'n' : c);
  }
}

static void append_help(struct buf *out, const char *help) {
  for (; *help; help++) {
    if (*help == '\\' || *help == '\n')
      buf_append_char(out, '\\');
    buf_append_char(out, *help == '\n' ? 'n' : *help);
  }
}

/* {key="value",le="bound"}, with what there is of it. */
static void append_labels(struct buf *out, const struct metric *metric, const char *le) {
  bp_str label = str_from(metric->label);
  if (!label.len && !le)
    return;
  buf_append_char(out, '{');
  if (label.len) {
    size_t equals = (size_t)str_find(label, '=');
    buf_append(out, label.ptr, equals);
    buf_append_z(out, "=\"");
    metrics_append_label(out, bp_str_make(label.ptr + equals + 1, label.len - equals - 1));
    buf_append_char(out, '"');
  }
  if (le)
    buf_printf(out, "%sle=\"%s\"", label.len ? "," : "", le);
  buf_append_char(out, '}');
}

static void write_histogram(struct buf *out, const struct metric *metric) {
  static const char *const texts[BOUND_COUNT] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
                                                 "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "5",    "10"};
  uint64_t sum = 0;
  for (unsigned i = 0; i <= BOUND_COUNT; i++) {
    sum = i < BOUND_COUNT ? sum + metric->buckets[i] : metric->observations;
    buf_printf(out, "%s_bucket", metric->name);
    append_labels(out, metric, i < BOUND_COUNT ? texts[i] : "+Inf");
    buf_printf(out, " %llu\n", (unsigned long long)sum);
  }
  buf_printf(out, "%s_sum", metric->name);
  append_labels(out, metric, NULL);
  buf_printf(out, " %.17g\n%s_count", metric->value, metric->name);
  append_labels(out, metric, NULL);
  buf_printf(out, " %llu\n", (unsigned long long)metric->observations);
}

static void write_one(struct buf *out, const struct metric *metric) {
  if (metric->kind == BP_METRIC_HISTOGRAM) {
    write_histogram(out, metric);
    return;
  }
  buf_append_z(out, metric->name);
  append_labels(out, metric, NULL);
  buf_printf(out, " %.17g\n", metric->value);
}

/* All rows of one name follow its HELP and TYPE lines, as the format demands. */
static void write_group(struct buf *out, const struct metric *first) {
  static const char *const kinds[] = {"", "counter", "gauge", "histogram"};
  buf_printf(out, "# HELP %s ", first->name);
  append_help(out, first->help);
  buf_printf(out, "\n# TYPE %s %s\n", first->name, kinds[first->kind]);
  for (const struct metric *metric = first; metric; metric = metric->next)
    if (strcmp(metric->name, first->name) == 0)
      write_one(out, metric);
}

static bool is_first_of_name(const struct metric *metric) {
  for (const struct metric *other = registry.first; other != metric; other = other->next)
    if (strcmp(other->name, metric->name) == 0)
      return false;
  return true;
}

void metrics_write_plugins(struct buf *out) {
  pthread_mutex_lock(&registry.lock);
  for (const struct metric *metric = registry.first; metric; metric = metric->next)
    if (is_first_of_name(metric))
      write_group(out, metric);
  pthread_mutex_unlock(&registry.lock);
}

void metrics_write(struct buf *out) {
  metrics_write_host(out);
  metrics_write_plugins(out);
}
