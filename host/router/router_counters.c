/* Request counters; see router_counters.h. */
#include "router/router_counters.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

const int64_t counter_bounds_ns[COUNTER_BUCKETS - 1] = {100000, 500000, 1000000, 5000000, 25000000, 100000000, 1000000000};

static struct router_counters *first;

struct router_counters *counters_of(const char *plugin) {
  for (struct router_counters *c = first; c; c = c->next)
    if (strcmp(c->plugin, plugin) == 0)
      return c;
  struct router_counters *counters = mem_alloc(sizeof(*counters));
  counters->plugin = str_dupz(str_from(plugin));
  counters->next = first;
  return first = counters;
}

void counters_add(struct router_counters *counters, unsigned status, int64_t took_ns) {
  unsigned class = status >= 200 && status < 600 ? status / 100 - 1 : 0;
  counters->requests[class]++;
  if (class == 0)
    return;
  unsigned bucket = 0;
  while (bucket < COUNTER_BUCKETS - 1 && took_ns > counter_bounds_ns[bucket])
    bucket++;
  counters->latency[bucket]++;
  counters->latency_sum_ns += (uint64_t)took_ns;
}

const struct router_counters *counters_first(void) {
  return first;
}

void counters_release(void) {
  while (first) {
    struct router_counters *next = first->next;
    free(first->plugin);
    free(first);
    first = next;
  }
}
