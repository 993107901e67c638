/* How many requests each plugin answered, how, and how fast; read by the metrics. */
#ifndef HOST_ROUTER_COUNTERS_H
#define HOST_ROUTER_COUNTERS_H

#include <stdint.h>

#define COUNTER_CLASSES 5u /* 0: handed over to a stream or socket, or abandoned by the client; then 2xx 3xx 4xx 5xx */
#define COUNTER_BUCKETS 8u

/* Upper bounds of the latency buckets in nanoseconds; slower ones count in the last, +Inf. */
extern const int64_t counter_bounds_ns[COUNTER_BUCKETS - 1];

struct router_counters {
  char *plugin;                       /* id */
  uint64_t requests[COUNTER_CLASSES]; /* by class of status */
  uint64_t latency[COUNTER_BUCKETS];  /* answered requests, each in one bucket (not cumulative) */
  uint64_t latency_sum_ns;
  struct router_counters *next;
};

/* The counters of a plugin id, kept across its generations. Never NULL. */
struct router_counters *counters_of(const char *plugin);
void counters_add(struct router_counters *counters, unsigned status, int64_t took_ns);
/* All of them, linked by `next`. */
const struct router_counters *counters_first(void);
void counters_release(void);

#endif
